#include "value/type.h"

#include <gtest/gtest.h>

namespace tidemill::value {
namespace {

TEST(TypeTest, NamesPrintAsDuckDbPrintsThem) {
  EXPECT_EQ(Type(Kind::kInt32).name(), "INTEGER");
  EXPECT_EQ(Type(Kind::kInt128).name(), "HUGEINT");
  EXPECT_EQ(Type(Kind::kTimestampTz).name(), "TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(Type().name(), "\"NULL\"");
  EXPECT_EQ(Type::decimal(2, 1).name(), "DECIMAL(2,1)");
  EXPECT_EQ(Type::list(Kind::kVarchar).name(), "VARCHAR[]");
  EXPECT_EQ(Type::map(Kind::kVarchar, Kind::kUint64).name(), "MAP(VARCHAR, UBIGINT)");
}

TEST(TypeTest, EveryNameReadsBackAsTheSameType) {
  for (int kind = 0; kind < kKindCount; ++kind) {
    Type type(static_cast<Kind>(kind));
    if (type.kind() == Kind::kDecimal) type = Type::decimal(38, 7);
    if (type.kind() == Kind::kList) type = Type::list(Type::list(Kind::kDate));
    if (type.kind() == Kind::kMap) type = Type::map(Kind::kInt8, Type::decimal(4, 2));
    if (type.kind() == Kind::kStruct) {
      type = Type::structure({{"a", Kind::kInt32}, {"b c", Type::list(Kind::kJson)}});
    }
    const auto read = parse_type(type.name());
    ASSERT_TRUE(read) << type.name() << ": " << read.error().text();
    EXPECT_EQ(*read, type) << type.name();
  }
}

TEST(TypeTest, AliasesAreAccepted) {
  EXPECT_EQ(*parse_type("int8"), Type(Kind::kInt64));
  EXPECT_EQ(*parse_type(" TEXT "), Type(Kind::kVarchar));
  EXPECT_EQ(*parse_type("decimal"), Type::decimal(18, 3));
  EXPECT_EQ(*parse_type("numeric(9)"), Type::decimal(9, 0));
  EXPECT_EQ(*parse_type("double precision[]"), Type::list(Kind::kDouble));
}

TEST(TypeTest, UnknownNameGivesTheNearest) {
  const auto read = parse_type("integr");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "no type is named 'integr'; did you mean 'integer'?");
}

TEST(TypeTest, BadTypesAreErrors) {
  for (const char* text : {"", "decimal(39,0)", "decimal(5,6)", "struct()", "map(int)", "int[",
                           "int]", "int int", "\"int", "decimal(,)", "struct(a)"}) {
    EXPECT_FALSE(parse_type(text)) << text;
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "struct(a ";
  EXPECT_FALSE(parse_type(deep));
}

}  // namespace
}  // namespace tidemill::value
