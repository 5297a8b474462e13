#include "spawn/protocol.h"

#include <gtest/gtest.h>

namespace tidemill::spawn {
namespace {

constexpr size_t kHeader = 6;

std::string body_of(const std::string& frame) { return frame.substr(kHeader); }

io::ProcessSpec full_spec() {
  io::ProcessSpec spec;
  spec.id = io::ProcessId("run/task[3].2");
  spec.python = io::PythonCall{"python3", "/bundle", "m:f", {"json", "math"}};
  spec.env = {{"A", "1"}, {"B", std::string("x\ny", 3)}};
  spec.folder = "/work";
  spec.input = "{\"a\":1}";
  spec.log_path = "/log";
  spec.output_path = "/out";
  spec.secrets = {"hunter2-hunter2"};
  return spec;
}

io::ProcessExit full_exit() {
  io::ProcessExit exit;
  exit.id = io::ProcessId("a");
  exit.how = io::ProcessExit::How::kSignalled;
  exit.code = 9;
  exit.message = "why";
  exit.error = "{}";
  exit.started = {1};
  exit.ended = {2};
  exit.user_cpu = {3};
  exit.system_cpu = {4};
  exit.max_rss_bytes = 5;
  return exit;
}

TEST(Protocol, AStartSurvivesTheWire) {
  const Result<StartRequest> got = decode_start(body_of(encode_start(42, full_spec())));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->request, 42u);
  EXPECT_EQ(got->spec.id.value, "run/task[3].2");
  EXPECT_EQ(got->spec.python->preload, (std::vector<std::string>{"json", "math"}));
  EXPECT_EQ(got->spec.env, full_spec().env);
  EXPECT_EQ(got->spec.input, "{\"a\":1}");
  EXPECT_EQ(got->spec.secrets, full_spec().secrets);
  EXPECT_EQ(encode_start(42, got->spec), encode_start(42, full_spec()));
}

TEST(Protocol, AnExitAndAListSurviveTheWire) {
  const Result<io::ProcessExit> exit = decode_exit(body_of(encode_exit(full_exit())));
  ASSERT_TRUE(exit);
  EXPECT_EQ(encode_exit(*exit), encode_exit(full_exit()));
  const ListPart part{7, ListPart::More::kYes, {{io::ProcessId("r")}, {full_exit()}}};
  const Result<ListPart> got = decode_listed(body_of(encode_listed(part)));
  ASSERT_TRUE(got);
  EXPECT_EQ(encode_listed(*got), encode_listed(part));
}

TEST(Protocol, EveryTruncationAndEveryExtraByteIsRefused) {
  const std::string start = body_of(encode_start(42, full_spec()));
  const std::string listed =
      body_of(encode_listed({7, ListPart::More::kNo, {{io::ProcessId("r")}, {full_exit()}}}));
  for (size_t n = 0; n < start.size(); ++n) EXPECT_FALSE(decode_start(start.substr(0, n))) << n;
  for (size_t n = 0; n < listed.size(); ++n) EXPECT_FALSE(decode_listed(listed.substr(0, n))) << n;
  EXPECT_FALSE(decode_start(start + "x"));
  EXPECT_FALSE(decode_listed(listed + "x"));
}

TEST(Protocol, EveryOverwrittenLengthIsAnErrorOrAnotherMessageAndNeverABigReservation) {
  const std::string start = body_of(encode_start(42, full_spec()));
  for (size_t at = 0; at + 4 <= start.size(); ++at) {
    for (const std::string_view value :
         {std::string_view("\xff\xff\xff\xff", 4), std::string_view("\xff\xff\xff\x7f", 4),
          std::string_view("\0\0\0\1", 4)}) {
      std::string bad = start;
      bad.replace(at, 4, value);
      (void)decode_start(bad);
    }
  }
  // A count that the rest cannot hold: two billion preload modules.
  EXPECT_FALSE(decode_listed(std::string("\0\0\0\0\0\0\0\0\0\xff\xff\xff\x7f", 13)));
}

TEST(Protocol, FramesAreFoundHoweverTheStreamIsCut) {
  const std::string stream = encode_hello() + encode_start(1, full_spec()) + encode_list(2);
  for (size_t step = 1; step < 40; ++step) {
    FrameReader reader;
    std::vector<MessageType> types;
    for (size_t at = 0; at < stream.size(); at += step) {
      reader.add(std::string_view(stream).substr(at, step));
      while (true) {
        Result<std::optional<Frame>> frame = reader.next();
        ASSERT_TRUE(frame);
        if (!*frame) break;
        types.push_back((*frame)->type);
      }
    }
    EXPECT_EQ(types, (std::vector<MessageType>{MessageType::kHello, MessageType::kStart,
                                               MessageType::kList}));
  }
}

TEST(Protocol, AFrameOfImpossibleLengthOrOtherVersionIsRefusedAtItsHeader) {
  const std::vector<std::string> bad = {
      std::string("\xff\xff\xff\xff", 4), std::string("\x00\x00\x00\x00", 4),
      std::string("\x01\x00\x00\x00", 4), std::string("\x01\x00\x00\x02\x01\x01", 6),
      std::string("\x02\x00\x00\x00\x02\x01", 6)};
  for (const std::string& bytes : bad) {
    FrameReader reader;
    reader.add(bytes);
    EXPECT_FALSE(reader.next());
  }
}

}  // namespace
}  // namespace tidemill::spawn
