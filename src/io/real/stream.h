// A connected socket as a Stream.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/net.h"
#include "io/real/descriptor.h"

namespace tidemill::io {

class RealLoop;

// Takes a connected, non-blocking socket. `buffer` is shared by all streams of the loop.
std::unique_ptr<Stream> make_stream(RealLoop& loop, Descriptor socket, std::string peer,
                                    std::optional<uint32_t> peer_uid,
                                    std::shared_ptr<std::string> buffer);

}  // namespace tidemill::io
