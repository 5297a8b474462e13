// One typed, nullable value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "value/int128.h"
#include "value/interval.h"
#include "value/type.h"

namespace tidemill::value {

// A value owns its content. A default one is the untyped NULL. The typed readers (`as_...`) need a
// value that is not null and of a kind that they name.
class Value {
 public:
  Value() = default;
  static Value null(Type type = {});
  static Value boolean(bool b);
  static Value integer(int32_t n);
  static Value bigint(int64_t n);
  // An integer of any width, a date (days), a time or timestamp (us), or a decimal's digits.
  static Value of_int(Type type, int128 n);
  static Value real(double d);
  static Value single(float f);
  static Value text(std::string s);
  static Value bytes(Type type, std::string s);  // VARCHAR, JSON or BLOB
  static Value interval(Interval i);
  // Elements of a list, fields of a struct in order, or a map's keys and values in turn.
  static Value nested(Type type, std::vector<Value> items);

  const Type& type() const { return type_; }
  bool is_null() const { return null_; }

  bool as_bool() const { return int_ != 0; }
  int128 as_int() const { return int_; }      // integers, decimals' digits, dates, times
  double as_double() const { return real_; }  // FLOAT and DOUBLE
  const std::string& as_text() const;         // VARCHAR, JSON, BLOB
  Interval as_interval() const;
  const std::vector<Value>& items() const;  // nested

  // As a cast to VARCHAR shows it; "NULL" for null.
  std::string to_text() const;

  // Same type, same content; NaN equals NaN, null equals null.
  bool operator==(const Value& other) const;

 private:
  Type type_;
  bool null_ = true;
  int128 int_ = 0;
  double real_ = 0;
  std::string text_;
  std::shared_ptr<const std::vector<Value>> items_;
};

// Total order within one type: NaN is the greatest number, text compares by bytes, intervals by
// their length with months of 30 days, null sorts last. Negative, zero or positive.
int compare(const Value& a, const Value& b);

}  // namespace tidemill::value
