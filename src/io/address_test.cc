#include "io/address.h"

#include <gmock/gmock.h>

#include "io/http_client.h"

namespace tidemill::io {
namespace {

using testing::HasSubstr;

std::string range_of(const char* text) {
  const auto address = parse_address(text);
  EXPECT_TRUE(address) << text;
  return special_range(*address);
}

TEST(Address, PublicAddressesArePublic) {
  for (const char* text :
       {"1.1.1.1",         "8.8.8.8",          "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",      "126.255.255.255", "128.0.0.1",
        "169.253.255.255", "169.255.0.0",      "172.15.255.255",  "172.32.0.0",
        "192.0.1.0",       "192.167.255.255",  "192.169.0.0",     "198.17.255.255",
        "198.20.0.0",      "223.255.255.255",  "2606:4700::1111", "2001:4860:4860::8888",
        "::ffff:8.8.8.8",  "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_EQ(range_of(text), "") << text;
  }
}

TEST(Address, BothEndsOfEverySpecialRangeAreRefused) {
  for (const char* text : {"0.0.0.0",     "0.255.255.255",   "10.0.0.0",     "10.255.255.255",
                           "100.64.0.0",  "100.127.255.255", "127.0.0.1",    "127.255.255.255",
                           "169.254.0.0", "169.254.169.254", "172.16.0.0",   "172.31.255.255",
                           "192.0.0.0",   "192.0.0.255",     "192.168.0.0",  "192.168.255.255",
                           "198.18.0.0",  "198.19.255.255",  "224.0.0.0",    "239.255.255.255",
                           "240.0.0.0",   "255.255.255.255", "192.0.2.1",    "::",
                           "::1",         "fc00::",          "fdff::1",      "fe80::1",
                           "febf::1",     "fec0::1",         "ff02::1",      "2001:db8::1",
                           "2001::1",     "::7f00:1",        "64:ff9b:1::1", "4000::1"}) {
    EXPECT_NE(range_of(text), "") << text;
  }
}

TEST(Address, AnIpv4AddressInsideAnIpv6OneIsJudgedAsItself) {
  EXPECT_THAT(range_of("::ffff:127.0.0.1"), HasSubstr("loopback 127.0.0.0/8 (as 127.0.0.1"));
  EXPECT_THAT(range_of("::ffff:a9fe:a9fe"), HasSubstr("169.254.169.254"));
  EXPECT_THAT(range_of("64:ff9b::a00:1"), HasSubstr("private 10.0.0.0/8"));
  EXPECT_THAT(range_of("2002:c0a8:101::1"), HasSubstr("private 192.168.0.0/16"));
}

TEST(Address, OnlyTheCanonicalFormsAreRead) {
  for (const char* text :
       {"", "1", "127.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x7f.0.0.1", "256.1.1.1", "1.2.3.4 ",
        "1..2.3", "1.2.3.-4", "fe80::1%eth0", ":::", "1:2:3:4:5:6:7:8:9", "::ffff:127.0.0.01"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_EQ(to_text(*parse_address("2001:0DB8:0::0001")), "2001:db8::1");
  EXPECT_EQ(to_text(*parse_address("10.0.0.1")), "10.0.0.1");
}

TEST(Address, ARefusalTellsWhichAddressWhyAndWhatToSet) {
  EXPECT_EQ(refusal_text("bureau.example", *parse_address("10.1.2.3")),
            "address 10.1.2.3 of bureau.example is refused: it is not public (private 10.0.0.0/8); "
            "set private_addresses: allowed for this request if it is meant to go there");
  EXPECT_THAT(refusal_text("::1", *parse_address("::1")),
              HasSubstr("address ::1 is refused: it is not public (loopback ::1/128)"));
}

TEST(Url, ReadsSchemeHostAndPort) {
  const auto url = parse_url("HTTPS://Api.Vendor.example:8443/v1?q=a@b:c#x").value();
  EXPECT_EQ(url.scheme, Url::Scheme::kHttps);
  EXPECT_EQ(url.host, "api.vendor.example");
  EXPECT_EQ(url.port, 8443);
  EXPECT_FALSE(url.address);
  EXPECT_EQ(parse_url("http://a").value().port, 80);
  EXPECT_EQ(parse_url("https://a.").value().port, 443);
  EXPECT_EQ(parse_url("http://xn--bcher-kva.example?x=/").value().host, "xn--bcher-kva.example");
  EXPECT_TRUE(parse_url("http://10.0.0.1:80/").value().address);
  const auto v6 = parse_url("http://[::1]:81/").value();
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.port, 81);
  EXPECT_TRUE(v6.address);
}

struct BadUrl {
  const char* url;
  const char* message;
};

TEST(Url, RefusesWhatCouldBeReadInTwoWays) {
  const BadUrl table[] = {
      {"", "no scheme"},
      {"example.com/a", "no scheme"},
      {"http:/example.com", "no scheme"},
      {"ftp://example.com", "scheme \"ftp\""},
      {"file:///etc/passwd", "scheme \"file\""},
      {"http://", "host is missing"},
      {"http://:80/", "host is missing"},
      {"http:///path", "host is missing"},
      {"http://user@example.com/", "user name or password"},
      {"http://example.com@127.0.0.1/", "user name or password"},
      {"http://2130706433/", "decimal, octal, hexadecimal or short"},
      {"http://0x7f000001/", "decimal, octal, hexadecimal or short"},
      {"http://0177.0.0.1/", "decimal, octal, hexadecimal or short"},
      {"http://127.1/", "decimal, octal, hexadecimal or short"},
      {"http://127.0.0.0x1/", "decimal, octal, hexadecimal or short"},
      {"http://127.0.0.1./", "decimal, octal, hexadecimal or short"},
      {"http://a.1.2.3.4/", "decimal, octal, hexadecimal or short"},
      {"http://a b/", "byte 0x20"},
      {"http://a\\@b/", "byte 0x5c"},
      {"http://a/\r\nHost: b", "byte 0x0d"},
      {"http://b\xc3\xbc"
       "cher.example/",
       "byte 0xc3"},
      {"http://%31%32%37.0.0.1/", "not allowed"},
      {"http://a..b/", "empty or longer"},
      {"http://a:0/", "port \"0\""},
      {"http://a:65536/", "port \"65536\""},
      {"http://a:/", "port \"\""},
      {"http://a:8a/", "port \"8a\""},
      {"http://a:80:80/", "port \"80:80\""},
      {"http://[::1/", "not an IPv6 address"},
      {"http://[1.2.3.4]/", "not an IPv6 address"},
      {"http://[fe80::1%25eth0]/", "not an IPv6 address"},
      {"http://[::1]x/", "not an IPv6 address"},
      {"http://::1/", "host is missing"},
  };
  for (const auto& row : table) {
    const auto url = parse_url(row.url);
    ASSERT_FALSE(url) << row.url;
    EXPECT_EQ(url.error().code, Code::kInvalid) << row.url;
    EXPECT_THAT(url.error().message, HasSubstr(row.message)) << row.url;
  }
  EXPECT_FALSE(parse_url("http://a/" + std::string(9000, 'x')));
  EXPECT_FALSE(parse_url("http://" + std::string(64, 'x') + ".example/"));
  EXPECT_FALSE(parse_url(std::string("http://a/\0b", 11)));
}

TEST(HttpResponse, FindsAHeaderByItsLowerCaseName) {
  HttpResponse response;
  response.headers = {{"retry-after", "3"}, {"retry-after", "4"}};
  EXPECT_EQ(response.header("retry-after"), "3");
  EXPECT_EQ(response.header("none"), "");
}

}  // namespace
}  // namespace tidemill::io
