// `for_each`: the list, or lists, that a task or a group goes over.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "flow/loading.h"

namespace tidemill::flow {
namespace {

constexpr size_t kMaxLists = 10;

class ForEachReader {
 public:
  ForEachReader(Loading& loading, std::optional<TaskIndex> own, Readable readable)
      : loading_(loading), own_(own), readable_(std::move(readable)) {
    readable_.item = false;
    readable_.why_no_item = "'item' is what for_each makes; for_each itself cannot read it";
  }

  std::optional<MappedList> read(const YamlNode& node, const std::string& what) {
    MappedList list;
    std::string_view const text = node.is_scalar() ? trim(node.scalar) : std::string_view();
    if (text.ends_with(".rows")) {
      std::string_view const name = text.substr(0, text.size() - 5);
      auto const task = loading_.find_task(name);
      if (task && task == own_) {
        loading_.problems.add(node.mark,
                              fmt::format("{}: a task cannot go over its own rows", what));
        return std::nullopt;
      }
      if (!task) {
        std::string const near = loading_.problems.did_you_mean(name, loading_.task_names);
        loading_.problems.add(node.mark,
                              fmt::format("{}: '{}' is no task of this flow{} {}", what,
                                          printable(name, 60), near.empty() ? ";" : near,
                                          "expected one of: " + some_of(loading_.task_names)));
        return std::nullopt;
      }
      add_need(*task);
      list.rows = loading_.task_name(*task);
      return list;
    }
    auto const parsed = node.is_scalar() ? sql::Expression::parse(node.scalar)
                                         : Result<sql::Expression>(fail(Code::kInvalid, ""));
    if (parsed) {
      for (const sql::NameRef& ref : parsed->references()) {
        auto const task = loading_.find_task(ref.qualifier);
        if (task && task != own_) add_need(*task);
      }
    }
    list.expression = Values(loading_, readable_).expression(node, what);
    if (!list.expression) return std::nullopt;
    return list;
  }

  // product: or zip:, with a list for each name.
  void read_several(const YamlNode& node, const std::string& what, Task& task) {
    Fields const fields(loading_.reader, node, kInForEach, what);
    const YamlNode* product = fields.get("product");
    const YamlNode* zip = fields.get("zip");
    if ((product == nullptr) == (zip == nullptr)) {
      loading_.problems.add(node.mark,
                            what + ": expected one of product and zip, with lists by name");
      return;
    }
    const YamlNode& lists = product != nullptr ? *product : *zip;
    if (!loading_.reader.is_map(lists, what)) return;
    if (lists.entries.empty() || lists.entries.size() > kMaxLists) {
      loading_.problems.add(lists.mark, fmt::format("{}: found {} lists, expected 1 to {}", what,
                                                    lists.entries.size(), kMaxLists));
      return;
    }
    task.is_zipped = zip != nullptr;
    for (const YamlNode::Entry& entry : lists.entries) {
      if (!is_name(entry.key)) {
        loading_.problems.add(entry.key_mark, fmt::format("{}: found '{}', expected a name", what,
                                                          printable(entry.key, 60)));
        continue;
      }
      auto list = read(entry.value, fmt::format("'{}' in {}", entry.key, what));
      if (!list) continue;
      list->name = entry.key;
      task.for_each_lists.push_back(std::move(*list));
    }
  }

  const std::vector<TaskIndex>& named() const { return named_; }

 private:
  void add_need(TaskIndex need) {
    if (std::find(named_.begin(), named_.end(), need) == named_.end()) named_.push_back(need);
    readable_.needs.push_back(need);
  }

  Loading& loading_;
  std::optional<TaskIndex> own_;
  Readable readable_;
  std::vector<TaskIndex> named_;
};

}  // namespace

std::vector<TaskIndex> read_for_each(Loading& loading, const YamlNode& node,
                                     const std::string& what, std::optional<TaskIndex> own,
                                     Readable readable, Task& task) {
  ForEachReader reader(loading, own, std::move(readable));
  if (node.is_map()) {
    reader.read_several(node, what, task);
  } else if (auto list = reader.read(node, what)) {
    task.for_each = std::move(list->expression);
    task.for_each_rows = std::move(list->rows);
  }
  return reader.named();
}

}  // namespace tidemill::flow
