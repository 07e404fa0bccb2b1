#include "common/address_guard.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <memory>
#include <thread>

#include "spyhop/error.h"

namespace spyhop {
namespace {

struct AddressRange {
  const char* prefix;
  int num_bits;
  const char* name;
};

// IANA's special-purpose registries, and addresses at which clouds serve credentials.
constexpr std::array<AddressRange, 19> kForbiddenV4 = {{
    {"0.0.0.0", 8, "unspecified"},
    {"10.0.0.0", 8, "private"},
    {"100.64.0.0", 10, "shared (carrier-grade NAT)"},
    {"127.0.0.0", 8, "loopback"},
    {"168.63.129.16", 32, "metadata"},
    {"169.254.0.0", 16, "link-local"},
    {"172.16.0.0", 12, "private"},
    {"192.0.0.0", 24, "reserved"},
    {"192.0.2.0", 24, "documentation"},
    {"192.31.196.0", 24, "reserved"},
    {"192.52.193.0", 24, "reserved"},
    {"192.88.99.0", 24, "reserved"},
    {"192.168.0.0", 16, "private"},
    {"192.175.48.0", 24, "reserved"},
    {"198.18.0.0", 15, "benchmark"},
    {"198.51.100.0", 24, "documentation"},
    {"203.0.113.0", 24, "documentation"},
    {"224.0.0.0", 4, "multicast"},
    {"240.0.0.0", 4, "reserved"},
}};

// Of IPv6 only global unicast, 2000::/3, is public at all; the ranges outside it are listed for their names.
constexpr std::array<AddressRange, 13> kForbiddenV6 = {{
    {"::", 128, "unspecified"},
    {"::1", 128, "loopback"},
    {"64:ff9b:1::", 48, "private"},
    {"100::", 64, "reserved"},
    {"2001::", 23, "reserved"},
    {"2001:db8::", 32, "documentation"},
    {"2002::", 16, "reserved"},
    {"2620:4f:8000::", 48, "reserved"},
    {"3fff::", 20, "documentation"},
    {"fc00::", 7, "private"},
    {"fe80::", 10, "link-local"},
    {"fec0::", 10, "site-local"},
    {"ff00::", 8, "multicast"},
}};

constexpr AddressRange kGlobalUnicast = {"2000::", 3, ""};
constexpr AddressRange kMappedV4 = {"::ffff:0:0", 96, ""};
constexpr AddressRange kNat64 = {"64:ff9b::", 96, ""};

constexpr size_t kV4Offset = 12;

bool in_range(const IpAddress& address, const AddressRange& range) {
  const std::optional<IpAddress> prefix = IpAddress::parse(range.prefix);
  const size_t offset = address.is_v6 ? 0 : kV4Offset;
  for (int bit = 0; bit < range.num_bits; ++bit) {
    const size_t byte = offset + static_cast<size_t>(bit) / 8;
    const int mask = 0x80 >> bit % 8;
    if ((address.bytes[byte] & mask) != (prefix->bytes[byte] & mask)) return false;
  }
  return true;
}

template <size_t N>
std::string_view class_in(const IpAddress& address, const std::array<AddressRange, N>& ranges) {
  const auto found =
      std::find_if(ranges.begin(), ranges.end(), [&](const AddressRange& range) { return in_range(address, range); });
  return found == ranges.end() ? std::string_view() : found->name;
}

IpAddress embedded_v4(IpAddress address) {
  address.is_v6 = false;
  std::fill_n(address.bytes.begin(), kV4Offset, uint8_t{0});
  return address;
}

std::optional<IpAddress> from_sockaddr(const sockaddr* generic) {
  IpAddress address;
  if (generic->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, generic, sizeof(v4));
    std::memcpy(&address.bytes[kV4Offset], &v4.sin_addr, 4);
    return address;
  }
  if (generic->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, generic, sizeof(v6));
  std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
  address.is_v6 = true;
  return address;
}

std::vector<IpAddress> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (const auto address = from_sockaddr(entry->ai_addr)) addresses.push_back(*address);
  }
  return addresses;
}

bool is_within_domain(const std::string& host, const std::string& domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.compare(host.size() - domain.size(), domain.size(), domain) == 0 &&
         host[host.size() - domain.size() - 1] == '.';
}

/// Lower case, without the dot that closes a fully qualified name.
std::string canonical_name(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(const std::string& text) {
  IpAddress address;
  if (inet_pton(AF_INET, text.c_str(), &address.bytes[kV4Offset]) == 1) return address;
  address.is_v6 = true;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v6 ? AF_INET6 : AF_INET, &bytes[is_v6 ? 0 : kV4Offset], text.data(), text.size());
  return text.data();
}

std::string_view forbidden_class(const IpAddress& address) {
  if (!address.is_v6) return class_in(address, kForbiddenV4);
  if (in_range(address, kMappedV4) || in_range(address, kNat64)) return forbidden_class(embedded_v4(address));
  const std::string_view name = class_in(address, kForbiddenV6);
  return name.empty() && !in_range(address, kGlobalUnicast) ? "reserved" : name;
}

std::vector<IpAddress> resolve_host(const std::string& host, std::chrono::milliseconds timeout) {
  if (const auto address = IpAddress::parse(host)) return {*address};
  // getaddrinfo takes no time limit, so the thread that waits for it is left behind when the time is up.
  auto promise = std::make_shared<std::promise<std::vector<IpAddress>>>();
  std::future<std::vector<IpAddress>> result = promise->get_future();
  std::thread([promise, host] { promise->set_value(look_up(host)); }).detach();
  return result.wait_for(timeout) == std::future_status::ready ? result.get() : std::vector<IpAddress>();
}

void AddressGuard::check_name(const std::string& host) const {
  if (!policy_.allow_remote) {
    throw Error(ErrorCode::kForbidden,
                "fetching from host '" + host + "' is switched off on this server; send the image as a data: URL");
  }
  if (policy_.allowed_domains.empty()) return;
  const std::string name = canonical_name(host);
  const auto matches = [&](const std::string& domain) { return is_within_domain(name, canonical_name(domain)); };
  if (std::any_of(policy_.allowed_domains.begin(), policy_.allowed_domains.end(), matches)) return;
  throw Error(ErrorCode::kForbidden, "host '" + host + "' is not on this server's list of allowed domains");
}

std::vector<IpAddress> AddressGuard::allowed_addresses(const std::string& host, std::chrono::milliseconds timeout) const {
  check_name(host);
  std::vector<IpAddress> addresses = resolver_(host, timeout);
  if (policy_.allow_private_addresses) return addresses;
  for (const IpAddress& address : addresses) {
    const std::string_view name = forbidden_class(address);
    if (name.empty()) continue;
    throw Error(ErrorCode::kForbidden,
                "host '" + host + "' has a " + std::string(name) + " address, and fetching from those is not allowed");
  }
  return addresses;
}

}  // namespace spyhop
