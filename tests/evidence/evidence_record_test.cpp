// What record.json says of a capture.
#include <gtest/gtest.h>

#include <string>

#include "agent/evidence/evidence_store.h"

namespace heapfloor {
namespace {

EvidenceRecord example() {
  return {"20261129T061905Z-7-leaking",
          EvidenceOccasion::leaking,
          "structure:7:700:user\"cache\\",
          "payments",
          {7, 700},
          1796019545.25,
          {{"heap.pb.gz", 123}, {"series.json", 0}}};
}

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), instead);
}

TEST(EvidenceRecord, IsReadBackAsItWasWritten) {
  const auto read = parse_evidence_record(evidence_record_text(example()));
  ASSERT_TRUE(read) << read.error().reason;
  EXPECT_EQ(*read, example());
  EXPECT_EQ(read->bytes(), 123U);
}

TEST(EvidenceRecord, BytesThatAreNoTextAreReplaced) {
  EvidenceRecord record = example();
  record.name = "bad\xFF";
  const auto read = parse_evidence_record(evidence_record_text(record));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, "bad\xEF\xBF\xBD");
}

TEST(EvidenceRecord, WhatIsNoneIsRefused) {
  const std::string good = evidence_record_text(example());
  ASSERT_TRUE(parse_evidence_record(good));
  for (const std::string& bad :
       {std::string(), std::string("[]"), good.substr(0, good.size() / 2),
        with(good, R"("leaking")", R"("bored")"), with(good, R"("pid": 7)", R"("pid": -7)"),
        with(good, R"("pid": 7)", R"("pid": 4294967296)"),
        with(good, R"("pid": 7)", R"("pid": "7")"),
        with(good, R"("at": 1796019545.25)", R"("at": null)"),
        with(good, R"("at": 1796019545.25)", R"("at": -1)"), with(good, R"("files")", R"("file")"),
        with(good, R"("heap.pb.gz")", R"("../heap.pb.gz")"),
        with(good, R"("heap.pb.gz")", R"("/etc")"), with(good, R"("heap.pb.gz")", R"(".hidden")"),
        with(good, R"("heap.pb.gz")", R"("")"), with(good, R"("bytes": 123)", R"("bytes": 1.5)"),
        with(good, "20261129T061905Z-7-leaking", "../20261129T061905Z")}) {
    const auto read = parse_evidence_record(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().kind, ErrorKind::malformed);
  }
}

}  // namespace
}  // namespace heapfloor
