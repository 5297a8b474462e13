#include "vendor/schema.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/text.h"
#include "vendor/schema_pattern.h"

namespace tidemill::vendor {

struct SchemaNode {
  bool refuses_all = false;        // the schema `false`
  std::vector<std::string> types;  // empty: any
  std::vector<std::pair<std::string, std::unique_ptr<SchemaNode>>> properties;
  std::vector<std::string> required;
  std::unique_ptr<SchemaNode> items;
  std::unique_ptr<SchemaNode> additional;  // null: any
  std::optional<Json::Array> values;
  std::optional<Json> minimum, maximum;
  std::unique_ptr<SchemaPattern> pattern;

  const SchemaNode* property(std::string_view name) const {
    for (const auto& [key, node] : properties) {
      if (key == name) return node.get();
    }
    return nullptr;
  }
};

namespace {

using NodeResult = Result<std::unique_ptr<SchemaNode>>;
NodeResult compile_node(const Json& json, const std::string& path);

constexpr std::array<std::string_view, 7> kTypes = {"null",   "boolean", "integer", "number",
                                                    "string", "array",   "object"};

std::string step(const std::string& path, std::string_view member) {
  if (is_name(member)) return fmt::format("{}.{}", path, member);
  return fmt::format("{}[\"{}\"]", path, printable(member, 60));
}

tl::unexpected<Error> wrong(const std::string& path, std::string_view what) {
  return fail(Code::kInvalid, fmt::format("{}: {}", path, what));
}

Status compile_type(const Json& json, const std::string& path, SchemaNode& node) {
  Json::Array const list = json.is_array() ? json.as_array() : Json::Array{json};
  for (const Json& item : list) {
    std::string const name = item.is_string() ? item.as_string() : std::string(item.kind());
    if (!item.is_string() || std::find(kTypes.begin(), kTypes.end(), name) == kTypes.end()) {
      return wrong(path, fmt::format("\"{}\" is not a type; expected null, boolean, integer, "
                                     "number, string, array or object",
                                     printable(name, 40)));
    }
    node.types.push_back(name);
  }
  if (node.types.empty()) return wrong(path, "an empty list of types admits nothing");
  return {};
}

Status compile_properties(const Json& json, const std::string& path, SchemaNode& node) {
  if (!json.is_object()) return wrong(path, fmt::format("is {}, expected object", json.kind()));
  for (const auto& [name, schema] : json.as_object()) {
    TIDEMILL_TRY_LET(child, compile_node(schema, step(path, name)));
    node.properties.emplace_back(name, std::move(child));
  }
  return {};
}

Status compile_required(const Json& json, const std::string& path, SchemaNode& node) {
  if (!json.is_array()) return wrong(path, fmt::format("is {}, expected array", json.kind()));
  for (const Json& name : json.as_array()) {
    if (!name.is_string()) return wrong(path, "expected a list of names");
    node.required.push_back(name.as_string());
  }
  return {};
}

Status compile_items(const Json& json, const std::string& path, SchemaNode& node) {
  TIDEMILL_TRY_LET(child, compile_node(json, path));
  node.items = std::move(child);
  return {};
}

Status compile_additional(const Json& json, const std::string& path, SchemaNode& node) {
  TIDEMILL_TRY_LET(child, compile_node(json, path));
  node.additional = std::move(child);
  return {};
}

Status compile_enum(const Json& json, const std::string& path, SchemaNode& node) {
  if (!json.is_array() || json.as_array().empty()) {
    return wrong(path, "expected a list of at least one value");
  }
  node.values = json.as_array();
  return {};
}

Status compile_minimum(const Json& json, const std::string& path, SchemaNode& node) {
  if (!json.is_number()) return wrong(path, fmt::format("is {}, expected number", json.kind()));
  node.minimum = json;
  return {};
}

Status compile_maximum(const Json& json, const std::string& path, SchemaNode& node) {
  if (!json.is_number()) return wrong(path, fmt::format("is {}, expected number", json.kind()));
  node.maximum = json;
  return {};
}

Status compile_pattern(const Json& json, const std::string& path, SchemaNode& node) {
  if (!json.is_string()) return wrong(path, fmt::format("is {}, expected string", json.kind()));
  auto pattern = SchemaPattern::compile(json.as_string());
  if (!pattern) return wrong(path, pattern.error().message);
  node.pattern = std::move(*pattern);
  return {};
}

Status compile_nothing(const Json&, const std::string&, SchemaNode&) { return {}; }

struct Keyword {
  std::string_view name;
  Status (*compile)(const Json&, const std::string&, SchemaNode&);
};
constexpr std::array<Keyword, 12> kKeywords = {{{"type", compile_type},
                                                {"properties", compile_properties},
                                                {"required", compile_required},
                                                {"items", compile_items},
                                                {"enum", compile_enum},
                                                {"minimum", compile_minimum},
                                                {"maximum", compile_maximum},
                                                {"pattern", compile_pattern},
                                                {"additionalProperties", compile_additional},
                                                {"title", compile_nothing},
                                                {"description", compile_nothing},
                                                {"$schema", compile_nothing}}};

NodeResult compile_node(const Json& json, const std::string& path) {
  auto node = std::make_unique<SchemaNode>();
  if (json.is_bool()) {
    node->refuses_all = !json.as_bool();
    return node;
  }
  if (!json.is_object()) {
    return wrong(path, fmt::format("is {}, expected a schema (an object)", json.kind()));
  }
  for (const auto& [name, value] : json.as_object()) {
    auto const keyword = std::find_if(kKeywords.begin(), kKeywords.end(),
                                      [&](const Keyword& k) { return k.name == name; });
    if (keyword == kKeywords.end()) {
      std::vector<std::string> names;
      for (const Keyword& k : kKeywords) names.emplace_back(k.name);
      std::string const near = nearest_word(name, names);
      return wrong(path,
                   fmt::format("the keyword \"{}\" is not available here{}", printable(name, 40),
                               near.empty() ? "; expected one of " + join(names, ", ")
                                            : fmt::format("; did you mean \"{}\"?", near)));
    }
    TIDEMILL_TRY(keyword->compile(value, step(path, name), *node));
  }
  return node;
}

bool is_whole(const Json& json) {
  if (json.is_int() || json.is_uint()) return true;
  return json.is_double() && json.as_double() == std::floor(json.as_double());
}

bool has_type(const Json& json, std::string_view type) {
  if (type == "integer") return json.is_number() && is_whole(json);
  return json.kind() == type;
}

bool equal(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number() && (a.is_double() || b.is_double())) {
    return a.as_double() == b.as_double();
  }
  return a == b;
}

// Integers are compared as such: doubles cannot tell 9007199254740993 from its neighbour.
bool less(const Json& a, const Json& b) {
  if (a.is_int() && b.is_int()) return a.as_int() < b.as_int();
  if (a.is_uint() && b.is_uint()) return a.as_uint() < b.as_uint();
  return a.as_double() < b.as_double();
}

class Check {
 public:
  std::optional<std::string> run(const SchemaNode& node, const Json& json,
                                 const std::string& path) {
    if (node.refuses_all) return fmt::format("{} is not expected", path);
    if (auto mistake = of_type(node, json, path)) return mistake;
    if (auto mistake = of_value(node, json, path)) return mistake;
    if (json.is_object()) return of_object(node, json, path);
    if (json.is_array() && node.items) {
      for (size_t i = 0; i < json.as_array().size(); ++i) {
        auto mistake = run(*node.items, json.as_array()[i], fmt::format("{}[{}]", path, i));
        if (mistake) return mistake;
      }
    }
    return std::nullopt;
  }

 private:
  static std::optional<std::string> of_type(const SchemaNode& node, const Json& json,
                                            const std::string& path) {
    if (node.types.empty()) return std::nullopt;
    for (const std::string& type : node.types) {
      if (has_type(json, type)) return std::nullopt;
    }
    bool const only_fraction = json.is_number();
    return fmt::format("{} is {}, expected {}", path,
                       only_fraction && node.types.size() == 1 && node.types[0] == "integer"
                           ? "a number with a fraction"
                           : json.kind(),
                       join(node.types, " or "));
  }

  static std::optional<std::string> of_value(const SchemaNode& node, const Json& json,
                                             const std::string& path) {
    if (node.values) {
      auto const same = [&](const Json& value) { return equal(value, json); };
      if (std::none_of(node.values->begin(), node.values->end(), same)) {
        return fmt::format("{} is none of {}", path, printable(Json(*node.values).dump(), 200));
      }
    }
    if (json.is_number() && node.minimum && less(json, *node.minimum)) {
      return fmt::format("{} is below the minimum {}", path, node.minimum->dump());
    }
    if (json.is_number() && node.maximum && less(*node.maximum, json)) {
      return fmt::format("{} is above the maximum {}", path, node.maximum->dump());
    }
    if (json.is_string() && node.pattern && !node.pattern->matches(json.as_string())) {
      return fmt::format("{} does not match its pattern", path);
    }
    return std::nullopt;
  }

  std::optional<std::string> of_object(const SchemaNode& node, const Json& json,
                                       const std::string& path) {
    for (const std::string& name : node.required) {
      if (json.find(name)) continue;
      const SchemaNode* const wanted = node.property(name);
      bool const typed = wanted && !wanted->types.empty();
      return fmt::format("{} is missing{}", step(path, name),
                         typed ? ", expected " + join(wanted->types, " or ") : "");
    }
    for (const auto& [name, value] : json.as_object()) {
      const SchemaNode* child = node.property(name);
      if (!child) child = node.additional.get();
      if (!child) continue;
      if (auto mistake = run(*child, value, step(path, name))) return mistake;
    }
    return std::nullopt;
  }
};

}  // namespace

Schema::Schema(std::unique_ptr<SchemaNode> root) : root_(std::move(root)) {}
Schema::~Schema() = default;

Result<std::shared_ptr<const Schema>> Schema::compile(std::string_view text) {
  TIDEMILL_TRY_LET(json, parse_json(text, {.bytes = 1u << 20, .depth = 64}));
  TIDEMILL_TRY_LET(root, compile_node(json, "$"));
  return std::shared_ptr<const Schema>(new Schema(std::move(root)));
}

std::optional<std::string> Schema::check(const Json& document) const {
  return Check().run(*root_, document, "$");
}

}  // namespace tidemill::vendor
