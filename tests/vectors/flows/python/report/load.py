def decisions(*args, **inputs):
    return [{"outcome": "accept"}]
