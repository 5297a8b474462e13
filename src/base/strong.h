// Strong types for ids, numbers and names: Strong<Tag, int64_t> is not a Strong<Other, int64_t>.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace tidemill {

template <class Tag, class T>
struct Strong {
  T value{};

  Strong() = default;
  explicit Strong(T v) : value(std::move(v)) {}
  auto operator<=>(const Strong&) const = default;
};

template <class Tag>
using StrongInt = Strong<Tag, int64_t>;
template <class Tag>
using StrongText = Strong<Tag, std::string>;

}  // namespace tidemill

template <class Tag, class T>
struct std::hash<tidemill::Strong<Tag, T>> {
  size_t operator()(const tidemill::Strong<Tag, T>& s) const { return std::hash<T>()(s.value); }
};
