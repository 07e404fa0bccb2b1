#include "common/address_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

IpAddress address(const std::string& text) {
  return IpAddress::parse(text).value();
}

/// Answers from a table and fails the test on any other name.
Resolver table_resolver(std::map<std::string, std::vector<std::string>> table) {
  return [table](const std::string& host, milliseconds) {
    std::vector<IpAddress> addresses;
    const auto found = table.find(host);
    if (found == table.end()) ADD_FAILURE() << "looked up " << host;
    if (found != table.end()) {
      for (const std::string& text : found->second) addresses.push_back(address(text));
    }
    return addresses;
  };
}

std::vector<std::string> allowed(const AddressGuard& guard, const std::string& host) {
  std::vector<std::string> texts;
  for (const IpAddress& found : guard.allowed_addresses(host, milliseconds(1000))) texts.push_back(found.to_string());
  return texts;
}

std::string refusal(const AddressGuard& guard, const std::string& host) {
  try {
    guard.allowed_addresses(host, milliseconds(1000));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kForbidden) << host;
    return error.what();
  }
  return "";
}

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
  for (const char* text : {"1.2.3.4", "255.255.255.255", "2001:db8::1", "::", "fe80::1", "::ffff:1.2.3.4"}) {
    EXPECT_EQ(address(text).to_string(), text);
  }
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "example.com", "1.2.3.4 ", "::g", "fe80::1%eth0"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(ForbiddenClass, IsEmptyForPublicAddresses) {
  for (const char* text : {"1.1.1.1",        "8.8.8.8",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
                           "100.128.0.0",    "126.255.255.255", "128.0.0.0",       "169.253.255.255", "169.255.0.0",
                           "172.15.255.255", "172.32.0.0",      "192.167.255.255", "192.169.0.0",     "198.17.255.255",
                           "198.20.0.0",     "223.255.255.255", "2606:4700::1111", "2a00:1450::1",    "2001:4860:4860::8888",
                           "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"}) {
    EXPECT_EQ(forbidden_class(address(text)), "") << text;
  }
}

TEST(ForbiddenClass, NamesWhyAnAddressIsNotPublic) {
  const std::map<std::string, std::vector<const char*>> kClasses = {
      {"loopback", {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"}},
      {"private",
       {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "fc00::1", "fdff::1", "fd00:ec2::254",
        "::ffff:10.1.2.3", "64:ff9b::192.168.1.1", "64:ff9b:1::8.8.8.8"}},
      {"link-local", {"169.254.0.1", "169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.169.254"}},
      {"shared (carrier-grade NAT)", {"100.64.0.0", "100.127.255.255", "100.100.100.200"}},
      {"metadata", {"168.63.129.16"}},
      {"multicast", {"224.0.0.1", "239.255.255.255", "ff02::1"}},
      {"unspecified", {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"}},
      {"documentation", {"192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1"}},
      {"benchmark", {"198.18.0.0", "198.19.255.255"}},
      {"site-local", {"fec0::1"}},
      {"reserved",
       {"192.0.0.192", "192.88.99.1", "240.0.0.1", "255.255.255.255", "2002:7f00:1::", "2002:808:808::", "2001::1", "2001:2::1",
        "::2", "::127.0.0.1", "100::1", "4000::1", "1::1"}},
  };
  for (const auto& [name, addresses] : kClasses) {
    for (const char* text : addresses) EXPECT_EQ(forbidden_class(address(text)), name) << text;
  }
}

TEST(AddressGuard, GivesTheResolversAddressesInOrder) {
  const AddressGuard guard({}, table_resolver({{"example.com", {"2606:4700::1", "1.1.1.1"}}, {"empty.example", {}}}));
  EXPECT_THAT(allowed(guard, "example.com"), testing::ElementsAre("2606:4700::1", "1.1.1.1"));
  EXPECT_THAT(allowed(guard, "empty.example"), testing::IsEmpty());
}

TEST(AddressGuard, RefusesAHostIfAnyOfItsAddressesIsNotPublic) {
  const AddressGuard guard({}, table_resolver({{"rebind.example", {"1.1.1.1", "169.254.169.254"}}}));
  const std::string message = refusal(guard, "rebind.example");
  EXPECT_THAT(message, HasSubstr("rebind.example"));
  EXPECT_THAT(message, HasSubstr("link-local"));
  EXPECT_THAT(message, testing::Not(HasSubstr("169.254"))) << "addresses behind a name are the network's own business";
}

TEST(AddressGuard, SeesThroughEverySpellingOfALoopbackAddress) {
  const AddressGuard guard{FetchPolicy{}};
  for (const char* host : {"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "::1",
                           "::ffff:7f00:1", "0:0:0:0:0:ffff:127.0.0.1"}) {
    EXPECT_THAT(refusal(guard, host), HasSubstr("loopback")) << host;
  }
  EXPECT_THAT(refusal(guard, "0"), HasSubstr("unspecified"));
  EXPECT_THAT(refusal(guard, "0xa9fea9fe"), HasSubstr("link-local"));
}

TEST(AddressGuard, LetsPrivateAddressesThroughWhenSwitchedOff) {
  FetchPolicy policy;
  policy.allow_private_addresses = true;
  const AddressGuard guard(policy, table_resolver({{"inside", {"10.0.0.1", "::1"}}}));
  EXPECT_THAT(allowed(guard, "inside"), testing::ElementsAre("10.0.0.1", "::1"));
}

TEST(AddressGuard, ResolvesNothingWhenRemoteImagesAreOff) {
  FetchPolicy policy;
  policy.allow_remote = false;
  policy.allow_private_addresses = true;
  const AddressGuard guard(policy, table_resolver({}));
  EXPECT_THAT(refusal(guard, "example.com"), HasSubstr("switched off"));
}

TEST(AddressGuard, TakesListedDomainsAndTheirSubDomainsOnly) {
  FetchPolicy policy;
  policy.allowed_domains = {"example.com", "Images.Example.org"};
  const std::vector<std::string> one = {"1.1.1.1"};
  const AddressGuard guard(policy, table_resolver({{"example.com", one},
                                                   {"a.b.example.com", one},
                                                   {"example.com.", one},
                                                   {"images.example.org", one},
                                                   {"inside.example.com", {"10.0.0.1"}}}));
  for (const char* host : {"example.com", "a.b.example.com", "example.com.", "images.example.org"}) {
    EXPECT_THAT(allowed(guard, host), testing::SizeIs(1)) << host;
  }
  for (const char* host : {"evil-example.com", "example.com.evil.org", "example.org", "com", "", "1.1.1.1"}) {
    EXPECT_THAT(refusal(guard, host), HasSubstr("list of allowed domains")) << host;
  }
  EXPECT_THAT(refusal(guard, "inside.example.com"), HasSubstr("private")) << "the list does not switch the guard off";
}

TEST(ResolveHost, GivesNumericHostsWithoutALookUp) {
  const std::vector<IpAddress> found = resolve_host("192.0.2.7", milliseconds(0));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].to_string(), "192.0.2.7");
}

}  // namespace
}  // namespace spyhop
