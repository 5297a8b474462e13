#include "happenings.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

namespace tidemill::sim {
namespace {

constexpr std::array<std::string_view, 17> kWords = {
    "server up",  "server killed", "power lost",    "spawner lost", "spawner cut", "clock stepped",
    "disk fault", "sync failed",   "store refuses", "file written", "started",     "ended",
    "sent",       "replied",       "asked",         "answered",     "unheard"};

}  // namespace

std::string_view word(What what) { return kWords[static_cast<size_t>(what)]; }

std::string text_of(const Happening& one) {
  return fmt::format("{:>14.6f} {} {:<13} {} {} {}", static_cast<double>(one.at.elapsed.us) / 1e6,
                     format_rfc3339(one.at.wall), word(one.what), one.subject, one.number,
                     one.detail);
}

std::string History::text() const {
  std::string text;
  for (const Happening& one : list_) text += text_of(one) + "\n";
  return text;
}

void read_attempt_id(const std::string& id, Happening& into) {
  size_t const slash = id.find('/');
  size_t const dot = id.rfind('.');
  if (slash == std::string::npos || dot == std::string::npos || dot < slash) return;
  into.run = id.substr(0, slash);
  into.attempt = std::atoll(id.c_str() + dot + 1);
  into.task = id.substr(slash + 1, dot - slash - 1);
  size_t const open = into.task.find('[');
  if (open == std::string::npos) return;
  into.item = std::atoll(into.task.c_str() + open + 1);
  into.task.resize(open);
}

}  // namespace tidemill::sim
