#include "io/real/net.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/real/loop.h"
#include "io/real/test_support.h"

namespace tidemill::io {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class RealNetTest : public testing::Test {
 protected:
  // Both ends of a Unix connection.
  void connect_pair() {
    listener_ = net_.listen_unix(folder_ / "s",
                                 [&](std::unique_ptr<Stream> stream) {
                                   server_ = std::move(stream);
                                   loop_.stop();
                                 })
                    .value();
    client_ = net_.connect_unix(folder_ / "s").value();
    run_to_stop(loop_);
  }

  // A plain blocking client socket on a TCP listener.
  static int connect_tcp(const std::string& address) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    return client;
  }

  void read_all(Stream& from, std::string& into, size_t until_bytes) {
    from.read([&, until_bytes](Result<std::string_view> got) {
      ASSERT_TRUE(got) << got.error().text();
      into += *got;
      if (got->empty() || into.size() >= until_bytes) return loop_.stop();
      read_all(from, into, until_bytes);
    });
  }

  RealLoop loop_;
  RealNet net_{loop_};
  TestFolder folder_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Stream> server_;
  std::unique_ptr<Stream> client_;
};

TEST_F(RealNetTest, AUnixSocketIsPrivateAndKnowsTheUserAtTheOtherEnd) {
  connect_pair();
  struct stat info{};
  ASSERT_EQ(::lstat((folder_ / "s").c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(listener_->address(), folder_ / "s");
  EXPECT_EQ(server_->peer_uid(), getuid());
  EXPECT_EQ(server_->peer(), "uid " + std::to_string(getuid()));
  listener_.reset();
  EXPECT_NE(::lstat((folder_ / "s").c_str(), &info), 0);
}

TEST_F(RealNetTest, CarriesMegabytesBothWaysAtOnce) {
  connect_pair();
  std::string there(5'000'000, 'a');
  std::string back(3'000'000, 'b');
  there[4'999'999] = 'z';
  std::string at_server;
  std::string at_client;
  int written = 0;
  server_->write(back, [&](Status status) { written += status.has_value(); });
  client_->write(there, [&](Status status) { written += status.has_value(); });
  read_all(*server_, at_server, there.size());
  run_to_stop(loop_);
  read_all(*client_, at_client, back.size());
  run_to_stop(loop_);
  EXPECT_TRUE(at_server == there);
  EXPECT_TRUE(at_client == back);
  EXPECT_EQ(written, 2);
}

TEST_F(RealNetTest, ReadsWhatHasArrivedAndThenTheEnd) {
  connect_pair();
  std::vector<std::string> reads;
  std::function<void()> read_on = [&] {
    server_->read([&](Result<std::string_view> got) {
      ASSERT_TRUE(got);
      reads.emplace_back(*got);
      if (got->empty()) return loop_.stop();
      read_on();
    });
  };
  client_->write("hello", [&](Status) { client_.reset(); });
  read_on();
  run_to_stop(loop_);
  EXPECT_THAT(reads, testing::ElementsAre("hello", ""));
}

TEST_F(RealNetTest, CallbacksNeverComeFromWithinTheCall) {
  connect_pair();
  bool inside = true;
  client_->write("x", [&](Status) { EXPECT_FALSE(inside); });
  server_->read([&](Result<std::string_view>) {
    EXPECT_FALSE(inside);
    loop_.stop();
  });
  inside = false;
  run_to_stop(loop_);
}

TEST_F(RealNetTest, ADestroyedStreamDropsItsCallbacks) {
  connect_pair();
  server_->read([](Result<std::string_view>) { FAIL(); });
  server_->write("x", [](Status) { FAIL(); });
  loop_.post([&] { client_->write("y", [](Status) {}); });
  loop_.post([&] { server_.reset(); });
  client_->read([&](Result<std::string_view>) { loop_.post([&] { loop_.stop(); }); });
  server_.reset();
  run_to_stop(loop_);
}

TEST_F(RealNetTest, AStreamMayBeDestroyedByItsOwnCallback) {
  connect_pair();
  server_->read([&](Result<std::string_view> got) {
    server_.reset();
    EXPECT_EQ(*got, "bye");
    loop_.stop();
  });
  client_->write("bye", [](Status) {});
  run_to_stop(loop_);
}

TEST_F(RealNetTest, AfterCloseEveryReadAndWriteAnswersAnError) {
  connect_pair();
  int errors = 0;
  auto count = [&](const Error& error) {
    EXPECT_EQ(error.code, Code::kUnavailable);
    if (++errors == 4) loop_.stop();
  };
  server_->read([&](Result<std::string_view> got) {
    count(got.error());
    server_->read([&](Result<std::string_view> later) { count(later.error()); });
  });
  server_->write("x", [&](Status status) {
    count(status.error());
    server_->write("x", [&](Status later) { count(later.error()); });
  });
  server_->close();
  server_->close();
  run_to_stop(loop_);
  EXPECT_EQ(errors, 4);
}

TEST_F(RealNetTest, WritingToAnEndThatIsGoneIsAnErrorNotASignal) {
  connect_pair();
  client_.reset();
  server_->write(std::string(1'000'000, 'x'), [&](Status status) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::kUnavailable);
    EXPECT_THAT(status.error().message, StartsWith("cannot write to uid"));
    loop_.stop();
  });
  run_to_stop(loop_);
}

TEST_F(RealNetTest, TheLastAnswerArrivesThoughUnreadBytesRemain) {
  auto listener = net_.listen_tcp("127.0.0.1", 0,
                                  [&](std::unique_ptr<Stream> stream) {
                                    server_ = std::move(stream);
                                    server_->read([&](Result<std::string_view>) {
                                      server_->write("answer", [&](Status) {
                                        server_.reset();
                                        loop_.stop();
                                      });
                                    });
                                  })
                      .value();
  const int client = connect_tcp(listener->address());
  ASSERT_EQ(write(client, std::string(100'000, 'x').data(), 100'000), 100'000);
  run_to_stop(loop_);
  char buffer[100];
  EXPECT_EQ(read(client, buffer, sizeof buffer), 6);
  close(client);
}

TEST_F(RealNetTest, TcpListensOnAFreePortAndNamesThePeer) {
  auto listener = net_.listen_tcp("127.0.0.1", 0,
                                  [&](std::unique_ptr<Stream> stream) {
                                    server_ = std::move(stream);
                                    loop_.stop();
                                  })
                      .value();
  EXPECT_THAT(listener->address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(listener->address(), "127.0.0.1:0");
  const int client = connect_tcp(listener->address());
  run_to_stop(loop_);
  EXPECT_THAT(server_->peer(), StartsWith("127.0.0.1:"));
  EXPECT_FALSE(server_->peer_uid());
  const auto port = static_cast<uint16_t>(std::stoi(listener->address().substr(10)));
  const auto taken = net_.listen_tcp("127.0.0.1", port, [](std::unique_ptr<Stream>) {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::kConflict);
  EXPECT_THAT(taken.error().message, HasSubstr("another program listens there"));
  close(client);
}

TEST_F(RealNetTest, RefusesNamesAndForeignAddresses) {
  const auto accept = [](std::unique_ptr<Stream>) {};
  EXPECT_EQ(net_.listen_tcp("localhost", 0, accept).error().code, Code::kInvalid);
  EXPECT_EQ(net_.listen_tcp("192.0.2.1", 0, accept).error().code, Code::kInvalid);
}

TEST_F(RealNetTest, ReplacesAStaleSocketButNeitherALiveOneNorAFile) {
  const auto accept = [](std::unique_ptr<Stream>) {};
  const std::string path = folder_ / "s";
  {
    auto live = net_.listen_unix(path, accept).value();
    const auto second = net_.listen_unix(path, accept);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kConflict);
    EXPECT_THAT(second.error().message, HasSubstr("another process listens there"));
    ASSERT_EQ(rename(path.c_str(), (path + ".old").c_str()), 0);
  }
  ASSERT_EQ(rename((path + ".old").c_str(), path.c_str()), 0);
  EXPECT_EQ(net_.connect_unix(path).error().code, Code::kUnavailable);
  EXPECT_TRUE(net_.listen_unix(path, accept));
  EXPECT_EQ(net_.connect_unix(path).error().code, Code::kNotFound);
  ASSERT_EQ(system(("touch '" + path + "'").c_str()), 0);
  EXPECT_EQ(net_.listen_unix(path, accept).error().code, Code::kConflict);
}

TEST_F(RealNetTest, TakesSocketPathsLongerThanTheSystemsLimit) {
  const std::string deep = folder_ / (std::string(80, 'a') + "/" + std::string(80, 'b'));
  ASSERT_EQ(system(("mkdir -p '" + deep + "'").c_str()), 0);
  listener_ = net_.listen_unix(deep + "/tidemill.sock",
                               [&](std::unique_ptr<Stream> stream) {
                                 server_ = std::move(stream);
                                 loop_.stop();
                               })
                  .value();
  client_ = net_.connect_unix(deep + "/tidemill.sock").value();
  run_to_stop(loop_);
  EXPECT_TRUE(server_);
}

TEST_F(RealNetTest, OutlivesTheLackOfDescriptorsAndAcceptsThen) {
  auto listener = net_.listen_unix(folder_ / "s",
                                   [&](std::unique_ptr<Stream> stream) {
                                     server_ = std::move(stream);
                                     loop_.stop();
                                   })
                      .value();
  client_ = net_.connect_unix(folder_ / "s").value();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  loop_.after(Duration::millis(50), [&] {
    EXPECT_FALSE(server_);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  });
  run_to_stop(loop_);
  EXPECT_TRUE(server_);
}

TEST_F(RealNetTest, AListenerMayBeDestroyedByItsOwnCallback) {
  listener_ = net_.listen_unix(folder_ / "s",
                               [&](std::unique_ptr<Stream>) {
                                 listener_.reset();
                                 loop_.stop();
                               })
                  .value();
  client_ = net_.connect_unix(folder_ / "s").value();
  const auto waiting = net_.connect_unix(folder_ / "s");
  run_to_stop(loop_);
  EXPECT_FALSE(listener_);
}

}  // namespace
}  // namespace tidemill::io
