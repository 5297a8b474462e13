// A room that holds headers only still needs one object file.
