// What differs between the dialects that grammar_table.cc reads. The defaults are those of the
// strict descendants of vixie cron. Internal to the room.
#pragma once

#include <span>
#include <string_view>

#include "clock/grammar.h"

namespace tidemill::clock {

struct Traits {
  enum class Descending {
    kRefuse,
    kNever,  // accepted and empty, but for x-0
    kWrap,
  };
  enum class ValueStep { kRefuse, kToTop };  // 5/20
  enum class BigStep { kFirst, kWholeRange, kRefuse };
  enum class DayRule {
    kFirstStar,  // a leading star joins the day fields by AND
    kStarItem,   // an item that is a star without a step does
    kFullSets,   // a field that holds every day does
    kBoth,       // always AND
    kOneGiven,   // exactly one of the fields is '?'
  };

  std::string_view name;
  FieldKind first = FieldKind::kMinute;
  size_t least_fields = 5;
  size_t most_fields = 5;
  int sunday = 0;  // the lowest number of a day of the week
  int dow_high = 7;
  Descending descending = Descending::kRefuse;
  ValueStep value_step = ValueStep::kRefuse;
  BigStep big_step = BigStep::kFirst;
  DayRule day_rule = DayRule::kFirstStar;
  bool has_names = true;
  bool has_tilde = false;             // a~b
  bool has_hash = false;              // H, and a line TZ=Zone
  bool has_dollar = false;            // $ in day-of-month
  bool has_quartz_letters = false;    // L, L-n, LW, nW, nL, n#k, each alone in its field
  bool has_croniter_letters = false;  // l, ln, n#k
  bool question_is_star = false;
  bool ignores_empty_items = false;
  bool bare_step_is_star = false;  // /5
  bool zone_prefix = false;
  bool has_every = false;
  bool vixie_nicknames = false;
  std::span<const Nickname> nicknames{};
};

const Traits& aws_traits();

}  // namespace tidemill::clock
