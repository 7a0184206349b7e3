// SPDX-License-Identifier: Apache-2.0
// Profiles, by name and from a file: docs/datasheet.md, section 4.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "prd32/profile.hpp"

namespace prd32::test {
namespace {

using regs::Err;
using regs::Mode;

/// A file that lives as long as the test.
class ProfileFile {
 public:
  explicit ProfileFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("prd32-profile-" + std::to_string(::getpid()) + ".toml")) {
    std::ofstream(path_) << text;
  }
  ~ProfileFile() {
    std::error_code unused;
    std::filesystem::remove(path_, unused);
  }
  ProfileFile(const ProfileFile&) = delete;
  ProfileFile& operator=(const ProfileFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// What load_profile says of a file with that text; "" when it takes it.
std::string complaint(const std::string& text) {
  const ProfileFile file(text);
  try {
    (void)load_profile(file.path());
  } catch (const std::runtime_error& error) {
    return std::string(error.what()).substr(file.path().size());
  }
  return "";
}

TEST(Profile, EachBuiltInOneIsPossible) {
  for (const Profile& profile : regs::kProfiles) {
    EXPECT_EQ(refusal(profile), std::nullopt) << profile.name;
    EXPECT_EQ(load_profile(std::string(profile.name)).name, profile.name);
  }
  EXPECT_EQ(regs::kProfiles.front().name, "strict");
}

TEST(Profile, FromAFile) {
  const ProfileFile file(R"(
based_on = "sff8038i"
granule_log2 = 3
prdt_align_log2 = 12
entries_log2 = 9
extensions = ["WRITEBACK", "CYCLIC", "ENDPOINTS", "QUEUE"]
[rules]
prd-count-zero = "error"
prd-cross-64k = "off"
prd-wrap-4g = "ignore"
prdt-no-eot = "silicon"
)");
  const Profile profile = load_profile(file.path());
  EXPECT_EQ(profile.granule_log2, 3U);
  EXPECT_EQ(profile.prdt_align_log2, 12U);
  EXPECT_EQ(profile.entries_log2, 9U);
  EXPECT_TRUE(profile.writeback && profile.cyclic && profile.endpoints && profile.queue);
  EXPECT_EQ(mode_of(profile, Err::kPrdZero), Mode::kError);
  EXPECT_EQ(mode_of(profile, Err::kPrdCross), Mode::kOff);
  EXPECT_EQ(mode_of(profile, Err::kPrdWrap), Mode::kIgnore);
  EXPECT_EQ(mode_of(profile, Err::kPrdReserved), Mode::kIgnore) << "as in sff8038i";
}

TEST(Profile, WhatIsNotSaidIsAsInItsBase) {
  const ProfileFile file("based_on = \"strict\"\n");
  Profile profile = load_profile(file.path());
  profile.name = "strict";
  EXPECT_EQ(profile.modes, regs::kProfiles.front().modes);
  EXPECT_EQ(profile.entries_log2, regs::kProfiles.front().entries_log2);
  EXPECT_TRUE(profile.writeback && profile.queue);
}

TEST(Profile, MistakesAreNamedWithTheirLine) {
  const std::string head = "based_on = \"strict\"\n";
  EXPECT_EQ(complaint(head), "");
  EXPECT_EQ(complaint("granule_log2 = 1\n"), ":1: based_on must be one of strict, sff8038i, seed");
  EXPECT_EQ(complaint("\nbased_on = \"mine\"\n"), ":2: based_on must be one of strict, sff8038i, seed");
  EXPECT_EQ(complaint(head + "granule_log2 = 13\n"), ":2: granule_log2 = 13: must be 0..12");
  EXPECT_EQ(complaint(head + "granule_log2 = -1\n"), ":2: granule_log2 must be a small number");
  EXPECT_EQ(complaint(head + "prdt_align_log2 = 32\n"), ":2: prdt_align_log2 = 32: must be 0..31");
  EXPECT_EQ(complaint(head + "entries_log2 = 17\n"), ":2: entries_log2 = 17: must be 0..16");
  EXPECT_EQ(complaint(head + "entries_log2 = \"many\"\n"), ":2: entries_log2 must be a small number");
  EXPECT_EQ(complaint(head + "extensions = 1\n"), ":2: extensions must be a list");
  EXPECT_EQ(complaint(head + "extensions = [\"LASER\"]\n"),
            ":2: extension \"LASER\" is none of CYCLIC, WRITEBACK, ENDPOINTS, QUEUE");
  EXPECT_EQ(complaint(head + "colour = 1\n"), ":2: unknown key colour");
  EXPECT_EQ(complaint(head + "rules = 1\n"), ":2: rules must be a table");
  EXPECT_EQ(complaint(head + "[rules]\nprd-cross = \"error\"\n"),
            ":3: there is no rule \"prd-cross\"; docs/registers.md names them all");
  EXPECT_EQ(complaint(head + "[rules]\nprd-cross-64k = \"never\"\n"),
            ":3: \"never\" is none of error, silicon, ignore, off");
  EXPECT_EQ(complaint(head + "[rules]\ndata-read = \"ignore\"\n"), ":3: rule data-read cannot be switched to ignore");
  const std::string broken = complaint(head + "entries_log2 = [\n");  // TOML's own mistakes too
  EXPECT_TRUE(broken.starts_with(":2: ") || broken.starts_with(":3: ")) << broken;
}

TEST(Profile, WhatIsNeitherANameNorAFileIsSaidSo) {
  try {
    (void)load_profile("/nowhere");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "\"/nowhere\" is neither a profile (strict, sff8038i, seed) nor a file");
  }
  EXPECT_THROW((void)load_profile("/"), std::runtime_error);
}

TEST(Profile, ImpossibleOnesAreRefused) {
  for (std::size_t code = 0; code < regs::kRules.size(); ++code) {
    for (const Mode mode : {Mode::kSilicon, Mode::kIgnore, Mode::kOff}) {
      Profile profile = regs::kProfiles.front();
      profile.modes[code] = mode;
      const regs::Rule& rule = regs::kRules[code];
      EXPECT_EQ(refusal(profile).has_value(), mode == Mode::kSilicon ? !rule.silicon : !rule.ignore) << rule.name;
    }
  }
}

}  // namespace
}  // namespace prd32::test
