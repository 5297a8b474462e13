#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/hash.h"
#include "io/sim/world.h"
#include "notify/message.h"
#include "notify/sender.h"
#include "notify/signature.h"

namespace tidemill::notify {
namespace {

using testing::HasSubstr;
using testing::Not;

Alert an_alert() {
  Alert alert;
  alert.id = "msg_1";
  alert.flow = "decide";
  alert.team = "risk";
  alert.reason = "failed";
  alert.run = "01RUN";
  alert.text = "task bureau: answered 500 <busy>\r\nBcc: x@y";
  alert.count = 3;
  alert.first = Time::from_seconds(1'767'225'600);
  alert.last = alert.first + Duration::seconds(60);
  return alert;
}

// The example of the specification of Standard Webhooks.
TEST(Signature, IsThatOfStandardWebhooks) {
  auto const signature =
      webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                        Time::from_seconds(1'614'265'330), R"({"test": 2432232314})");
  ASSERT_TRUE(signature);
  EXPECT_EQ(*signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_FALSE(webhook_signature("whsec_!!", "x", Time{}, ""));
}

TEST(Message, AMailHasNoLineBreakThatTheAlertBrings) {
  std::string const mail =
      mail_message(an_alert(), "tidemill@example.com", {"a@x", "b@x"}, Time::from_seconds(0));
  EXPECT_THAT(mail, HasSubstr("To: a@x, b@x\r\n"));
  EXPECT_THAT(mail, HasSubstr("Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"));
  EXPECT_THAT(mail, Not(HasSubstr("Bcc")));
  EXPECT_THAT(mail, HasSubstr(to_base64("[tidemill] Flow decide failed (3 times)")));
}

TEST(Message, SlackReadsNoMarkupFromAnError) {
  EXPECT_THAT(slack_body(an_alert()).text_or("text", ""), HasSubstr("&lt;busy&gt;"));
}

class SenderTest : public ::testing::Test {
 protected:
  class NoMailer final : public io::Mailer {
   public:
    Status send(const io::MailRelay&, const io::Mail& mail) override {
      sent.push_back(mail);
      return answer;
    }
    std::vector<io::Mail> sent;
    Status answer;
  };
  std::optional<Status> send(const Channel& channel) {
    std::optional<Status> answer;
    Sender sender({world.clock(), world.loop(), world.executor(), world.http(), mailer});
    sender.send(channel, {{}, "tidemill@example.com"}, an_alert(),
                [&](const Status& status) { answer = status; });
    world.run_for(Duration::seconds(30));
    return answer;
  }
  void answers(int status) {
    world.http().set_handler([status](const io::HttpRequest&) {
      return io::SimHttpAnswer{io::HttpResponse{status, {}, "", {}}, {}};
    });
  }
  io::SimWorld world{1};
  NoMailer mailer;
};

TEST_F(SenderTest, AWebhookIsSigned) {
  answers(204);
  auto const status =
      send({"ops", Channel::Kind::kWebhook, {}, "https://hooks.example/x", "a-secret", false});
  ASSERT_TRUE(status && *status);
  const io::HttpRequest& sent = world.http().sent().at(0);
  std::map<std::string, std::string> headers(sent.headers.begin(), sent.headers.end());
  EXPECT_EQ(headers["webhook-id"], "msg_1");
  EXPECT_EQ(headers["webhook-signature"],
            *webhook_signature("a-secret", "msg_1", Time::from_seconds(1'767'225'600), sent.body));
  EXPECT_EQ(parse_json(sent.body)->text_or("type", ""), "flow.failed");
}

TEST_F(SenderTest, TellsWhetherTryingAgainHelps) {
  Channel const hook{"ops", Channel::Kind::kWebhook, {}, "https://hooks.example/x", "", false};
  answers(503);
  EXPECT_EQ(send(hook)->error().code, Code::kUnavailable);
  answers(404);
  EXPECT_EQ(send(hook)->error().code, Code::kInvalid);
  Channel const inside{"ops", Channel::Kind::kSlack, {}, "http://127.0.0.1:1/x", "", false};
  EXPECT_EQ(send(inside)->error().code, Code::kInvalid);
  answers(200);
  Channel allowed = inside;
  allowed.is_private = true;
  EXPECT_TRUE(*send(allowed));
}

TEST_F(SenderTest, AMailGoesToTheRelay) {
  EXPECT_TRUE(*send({"desk", Channel::Kind::kMail, {"a@x"}, "", "", false}));
  ASSERT_EQ(mailer.sent.size(), 1u);
  EXPECT_EQ(mailer.sent[0].from, "tidemill@example.com");
  mailer.answer = fail(Code::kUnavailable, "busy");
  EXPECT_FALSE(*send({"desk", Channel::Kind::kMail, {"a@x"}, "", "", false}));
}

}  // namespace
}  // namespace tidemill::notify
