#include "common/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spyhop/error.h"

namespace spyhop {
namespace {

TEST(ParseUrl, SplitsSchemeHostPortAndTarget) {
  const Url url = parse_url("HTTPS://Images.Example.com:8443/a/b.png?size=2&x=%20#top");
  EXPECT_TRUE(url.is_https);
  EXPECT_EQ(url.host, "images.example.com");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a/b.png?size=2&x=%20");
  EXPECT_EQ(url.authority(), "images.example.com:8443");
  EXPECT_EQ(url.origin(), "https://images.example.com:8443");
}

TEST(ParseUrl, FillsInWhatIsLeftOut) {
  EXPECT_EQ(parse_url("http://example.com").target, "/");
  EXPECT_EQ(parse_url("http://example.com?q=1").target, "/?q=1");
  EXPECT_EQ(parse_url("http://example.com#x").target, "/");
  EXPECT_EQ(parse_url("http://example.com:").port, 80);
  EXPECT_EQ(parse_url("https://example.com").port, 443);
  EXPECT_EQ(parse_url("https://example.com").authority(), "example.com");
}

TEST(ParseUrl, TakesAddressesAsHosts) {
  EXPECT_EQ(parse_url("http://127.0.0.1:81/").host, "127.0.0.1");
  const Url v6 = parse_url("http://[2001:DB8::1]:8080/x");
  EXPECT_EQ(v6.host, "2001:db8::1");
  EXPECT_EQ(v6.port, 8080);
  EXPECT_EQ(v6.authority(), "[2001:db8::1]:8080");
  EXPECT_EQ(parse_url("http://[::1]").port, 80);
}

TEST(ParseUrl, PercentEncodesBytesAboveAscii) {
  EXPECT_EQ(parse_url("http://example.com/\xC3\xA9").target, "/%C3%A9");
}

TEST(ParseUrl, RefusesEverythingElse) {
  const char* const kUrls[] = {"",
                               "example.com/a.png",
                               "file:///etc/passwd",
                               "ftp://example.com/",
                               "gopher://example.com/",
                               "http:/example.com",
                               "http:example.com",
                               "http://",
                               "http:///path",
                               "http://user@example.com/",
                               "http://user:secret@example.com/",
                               "http://example.com@127.0.0.1/",
                               "http://example.com:0/",
                               "http://example.com:65536/",
                               "http://example.com:8a/",
                               "http://example.com:-1/",
                               "http://exa mple.com/",
                               "http://example.com/a b",
                               "http://example.com/\r\nX-Injected: 1",
                               "http://example.com\\@127.0.0.1/",
                               "http://ex%61mple.com/",
                               "http://b\xC3\xBC"
                               "cher.example/",
                               "http://[::1/",
                               "http://[::1]x/",
                               "http://[fe80::1%25eth0]/",
                               "http://[example.com]/"};
  for (const char* text : kUrls) {
    try {
      parse_url(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest) << text;
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("secret"))) << text;
    }
  }
  EXPECT_THROW(parse_url("http://example.com/" + std::string(10000, 'a')), Error);
  EXPECT_THROW(parse_url(std::string("http://example.com/\0", 20)), Error);
  EXPECT_THROW(parse_url("http://" + std::string(254, 'a') + "/"), Error);
}

TEST(ResolveRedirect, TakesAbsoluteAndRelativeLocations) {
  const Url base = parse_url("https://example.com:444/a/b?c=d");
  const auto resolved = [&](const std::string& location) {
    const Url url = resolve_redirect(base, location);
    return url.origin() + url.target;
  };
  EXPECT_EQ(resolved("http://other.example/x"), "http://other.example/x");
  EXPECT_EQ(resolved("//other.example/x"), "https://other.example/x");
  EXPECT_EQ(resolved("/x?y=http://z/"), "https://example.com:444/x?y=http://z/");
  EXPECT_EQ(resolved("x"), "https://example.com:444/a/x");
  EXPECT_EQ(resolved("?e=f"), "https://example.com:444/a/b?e=f");
  EXPECT_EQ(resolved("#part"), "https://example.com:444/a/b?c=d");
  EXPECT_THROW(resolved("file:///etc/passwd"), Error);
  EXPECT_THROW(resolved("//user@other.example/"), Error);
}

}  // namespace
}  // namespace spyhop
