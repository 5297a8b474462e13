// The settings of vendor tasks.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "flow/settings.h"

namespace tidemill::flow {
namespace {

void gather_names(const vendor::RequestValue& value, std::vector<std::string>& names) {
  for (const TemplatePiece& piece : value.text.pieces) {
    if (!piece.is_expression) continue;
    auto const parsed = sql::Expression::parse(piece.text);
    if (!parsed) continue;
    for (const sql::NameRef& ref : parsed->references()) {
      if (ref.qualifier.empty()) names.push_back(ref.name);
    }
  }
  for (const auto& [name, part] : value.parts) gather_names(part, names);
}

// The names of a product's request against the inputs that the task gives.
void check_inputs(const SettingsPlace& at, const vendor::Product& product) {
  std::vector<std::string> wanted;
  gather_names(product.path, wanted);
  for (const auto& [name, value] : product.query) gather_names(value, wanted);
  for (const auto& [name, value] : product.headers) gather_names(value, wanted);
  if (product.body) gather_names(*product.body, wanted);
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  const YamlNode* with = at.map.find("with");
  auto same = [](std::string_view a) {
    return [a](std::string_view b) { return to_lower_ascii(a) == to_lower_ascii(b); };
  };
  for (const std::string& name : wanted) {
    bool const is_given = with != nullptr && std::any_of(with->entries.begin(), with->entries.end(),
                                                         [&](const YamlNode::Entry& entry) {
                                                           return same(name)(entry.key);
                                                         });
    if (is_given) continue;
    at.loading.problems.add(at.node.mark,
                            fmt::format("{}: the product reads '{}', which the task does not give; "
                                        "add it to with",
                                        at.what, name));
  }
  if (with == nullptr) return;
  for (const auto& entry : with->entries) {
    if (std::any_of(wanted.begin(), wanted.end(), same(entry.key))) continue;
    std::string const near = at.loading.problems.did_you_mean(entry.key, wanted);
    at.loading.problems.add(
        entry.key_mark,
        fmt::format("the product reads no '{}'{} {}", printable(entry.key, 60),
                    near.empty() ? ";" : near,
                    wanted.empty() ? "it has no inputs" : "it reads: " + some_of(wanted)));
  }
}

Result<std::string> read_schema(Loading& loading, const std::string& path) {
  for (std::string_view part : split(path, '/')) {
    if (!part.empty() && part != "." && part != "..") continue;
    return fail(Code::kInvalid, fmt::format("'{}' is no path within the project; expected one "
                                            "relative to its folder, without '..'",
                                            printable(path, 100)));
  }
  TIDEMILL_TRY_LET(text, loading.source.read(path, kMaxFileBytes));
  if (loading.files.emplace(path, text).second) loading.bundle_bytes += text.size();
  return text;
}

// Null after mistakes were reported, once for each vendor.
std::shared_ptr<const vendor::Spec> load_spec(const SettingsPlace& at, const std::string& name) {
  Loading& loading = at.loading;
  if (auto const known = loading.vendors.find(name); known != loading.vendors.end()) {
    return known->second;
  }
  std::shared_ptr<const vendor::Spec>& result = loading.vendors[name];
  std::string const path = fmt::format("vendors/{}.yaml", name);
  const std::string* content = loading.add_file(path, kMaxFileBytes, at.node.mark, at.what);
  if (content == nullptr) return result;
  auto spec = vendor::parse_spec(
      *content, [&](const std::string& schema) { return read_schema(loading, schema); });
  if (!spec) {
    for (const vendor::VendorError& error : spec.error()) {
      loading.problems.add_in(at.node.mark, path, error.mark, error.message);
    }
    return result;
  }
  if (spec->name != name) {
    loading.problems.add_in(
        at.node.mark, path, {1, 1},
        fmt::format("the file is named '{}.yaml' and describes the vendor '{}'; "
                    "make both the same",
                    name, spec->name));
    return result;
  }
  result = std::make_shared<const vendor::Spec>(std::move(*spec));
  return result;
}

}  // namespace

void read_vendor(const SettingsPlace& at) {
  auto const text = at.loading.reader.text(at.node, at.what);
  if (!text) return;
  size_t const dot = text->find('.');
  std::string const name = text->substr(0, dot);
  std::string const product = dot == std::string::npos ? "" : text->substr(dot + 1);
  if (!is_name(name) || !is_name(product)) {
    at.loading.reader.report(at.node, at.what, "vendor.product, such as bureau.report");
    return;
  }
  std::shared_ptr<const vendor::Spec> const spec = load_spec(at, name);
  if (spec == nullptr) return;
  const vendor::Product* found = spec->product(product);
  if (found == nullptr) {
    std::vector<std::string> products;
    for (const vendor::Product& other : spec->products) products.push_back(other.name);
    std::string const near = at.loading.problems.did_you_mean(product, products);
    at.loading.problems.add(
        at.node.mark, fmt::format("{}: the vendor '{}' has no product '{}'{} it has: {}", at.what,
                                  name, product, near.empty() ? ";" : near, some_of(products)));
    return;
  }
  check_inputs(at, *found);
  at.task.settings = VendorSettings{spec, product};
}

}  // namespace tidemill::flow
