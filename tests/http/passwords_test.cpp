#include "agent/http/passwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace heapfloor {
namespace {

using ::testing::HasSubstr;

// "secret", cost 10, as htpasswd, Go and Python write it.
constexpr const char* kHash = "$2y$10$3euPcmQFCiblsZeEu5s7p.9OVHgeHWFDk9nhMqZ0m/3pd/lhwZgES";

TEST(BasicAuthorization, IsUserColonPasswordInBase64) {
  const auto parsed = parse_basic_authorization("Basic cHJvbTpzZTpjcmV0");  // prom:se:cret
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->user, "prom");
  EXPECT_EQ(parsed->password, "se:cret");
  EXPECT_TRUE(parse_basic_authorization("bAsIc  cHJvbTpzZTpjcmV0"));
  EXPECT_EQ(parse_basic_authorization("Basic Og==")->user, "");
  EXPECT_EQ(parse_basic_authorization("Basic YTpi")->password, "b");
  EXPECT_EQ(parse_basic_authorization("Basic YTpiYg==")->password, "bb");
  EXPECT_EQ(parse_basic_authorization("Basic YTpiYmI=")->password, "bbb");
}

TEST(BasicAuthorization, IsNothingElse) {
  for (const char* const text :
       {"", "Basic", "Basic ", "Bearer abc", "Basic YWJj", "Basic ====", "Basic YTpi=", "Basic Y",
        "Basic YT:i", "Basic YQA6YQ==", "Basic YTph\xff", "Basic=YTpi", "YTpi"}) {
    EXPECT_FALSE(parse_basic_authorization(text)) << text;
  }
}

TEST(Bcrypt, IsMatchedInItsThreeSpellings) {
  const std::string rest = std::string(kHash).substr(4);
  for (const char* const prefix : {"$2a$", "$2b$", "$2y$"}) {
    const std::string hash = prefix + rest;
    EXPECT_FALSE(bcrypt_problem(hash));
    EXPECT_FALSE(bcrypt_matches("wrong", hash));
  }
}

TEST(Bcrypt, IsRefusedWhereItIsSomethingElse) {
  for (const std::string hash :
       {"", "secret", "$2y$10$short", "$1$salt$5tvqmfTLpDpSZ4q3Cpmk11", "$2x$10$",
        "$2y$1a$3euPcmQFCiblsZeEu5s7p.9OVHgeHWFDk9nhMqZ0m/3pd/lhwZgES",
        "$2y$10$3euPcmQFCiblsZeEu5s7p.9OVHgeHWFDk9nhMqZ0m/3pd/lhwZg!S",
        "$2y$10$3euPcmQFCiblsZeEu5s7p.9OVHgeHWFDk9nhMqZ0m/3pd/lhwZgESS"}) {
    EXPECT_THAT(bcrypt_problem(hash).value_or(""), HasSubstr("not a bcrypt hash")) << hash;
  }
  std::string cheap = kHash;
  cheap.replace(4, 2, "05");
  EXPECT_THAT(bcrypt_problem(cheap).value_or(""), HasSubstr("cost 5"));
  cheap.replace(4, 2, "17");
  EXPECT_THAT(bcrypt_problem(cheap).value_or(""), HasSubstr("takes too long"));
}

TEST(UserTable, ChecksAnUnknownUserAgainstSomeHash) {
  const UserTable users(std::vector<std::pair<std::string, std::string>>{{"a", kHash}});
  EXPECT_TRUE(users.knows("a"));
  EXPECT_FALSE(users.knows("b"));
  EXPECT_EQ(users.hash_of("b"), users.hash_of("a"));
  EXPECT_TRUE(UserTable().is_empty());
}

TEST(CredentialCache, TellsApartWhatAJoinedTextWouldNot) {
  const CredentialCache cache;
  const std::string hash = kHash;
  EXPECT_EQ(cache.key_of({"a", "b"}, hash), cache.key_of({"a", "b"}, hash));
  EXPECT_NE(cache.key_of({"a", "b"}, hash), cache.key_of({"ab", ""}, hash));
  EXPECT_NE(cache.key_of({"a", "b"}, hash), cache.key_of({"a", "c"}, hash));
  EXPECT_NE(cache.key_of({"a", "b"}, hash), cache.key_of({"a", "b"}, "other"));
  EXPECT_NE(cache.key_of({"a" + hash, "b"}, hash), cache.key_of({"a", hash + "b"}, hash));
  EXPECT_NE(cache.key_of({"a", "b"}, hash), CredentialCache().key_of({"a", "b"}, hash))
      << "another start has another secret";
}

TEST(CredentialCache, IsBounded) {
  CredentialCache cache;
  const auto key = [&cache](int i) { return cache.key_of({"u", std::to_string(i)}, kHash); };
  for (int i = 0; i < 1000; ++i) cache.add(key(i));
  cache.add(key(999));
  EXPECT_EQ(cache.size(), 256U);
  EXPECT_TRUE(cache.contains(key(999)));
  EXPECT_FALSE(cache.contains(key(0)));
}

}  // namespace
}  // namespace heapfloor
