#include "outside.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tidemill::sim {

// One connection with one request.
struct Outside::Talk {
  std::shared_ptr<Question> question;
  std::unique_ptr<io::Stream> stream;
  std::string received;
  bool is_over = false;
};

Outside::Outside(Site& site, Dice dice) : site_(site), dice_(dice) {
  site_.world.processes().set_script([this](const io::ProcessSpec& spec) { return started(spec); });
  site_.world.processes().set_watcher(
      [this](const io::ProcessId& id, io::ProcessExit::How how, int code) {
        Happening one{site_.now(), What::kEnded, id.value};
        read_attempt_id(id.value, one);
        one.number = how == io::ProcessExit::How::kExited      ? code
                     : how == io::ProcessExit::How::kSignalled ? -1
                                                               : -2;
        site_.history.add(std::move(one));
      });
  site_.world.http().set_handler([this](const io::HttpRequest& request) { return sent(request); });
}

io::SimProcessResult Outside::started(const io::ProcessSpec& spec) {
  io::SimProcessResult result;
  if (happens(troubles.refused)) {
    result.refused = Error{Code::kUnavailable, "no more processes (simulated)", {}};
    return result;
  }
  Happening one{site_.now(), What::kStarted, spec.id.value};
  read_attempt_id(spec.id.value, one);
  site_.history.add(one);
  result.takes = Duration::millis(1 + dice_.below(troubles.slow_ms));
  if (happens(troubles.hangs)) result.takes = Duration::seconds(3600);
  if (happens(troubles.stubborn)) result.on_term = io::SimProcessResult::OnTerm::kIgnores;
  result.exit_code = happens(troubles.fails) ? 1 : 0;
  result.output = Json::object().set("by", spec.id.value).dump();
  return result;
}

io::SimHttpAnswer Outside::sent(const io::HttpRequest& request) {
  int64_t const number = ++replies_;
  Happening one{site_.now(), What::kSent, request.method + " " + request.url};
  auto const parts = split(request.url, '/');
  if (parts.size() == 5) {
    one.run = parts[3];
    one.task = parts[4];
  }
  one.number = number;
  one.detail = request.body;
  site_.history.add(one);
  one.what = What::kReplied;
  io::SimHttpAnswer answer;
  answer.latency = Duration::millis(1 + dice_.below(1200));
  if (happens(troubles.http_lost)) {
    one.detail = "lost";
    answer.outcome = tl::unexpected(
        io::HttpFailure{io::HttpFailure::Kind::kTimeout, "the answer was lost (simulated)"});
  } else {
    io::HttpResponse response;
    response.status = happens(troubles.http_500) ? 503 : 200;
    response.headers = {{"content-type", "application/json"}};
    response.body = Json::object().set("reply", number).dump();
    one.detail = std::to_string(response.status);
    answer.outcome = response;
  }
  site_.history.add(std::move(one));
  return answer;
}

std::shared_ptr<Question> Outside::ask(const std::string& method, const std::string& path,
                                       Json body, const std::string& key) {
  auto question = std::make_shared<Question>();
  question->number = static_cast<int64_t>(questions_.size()) + 1;
  question->method = method;
  question->path = path;
  question->key = key;
  question->body = std::move(body);
  questions_.push_back(question);
  site_.history.add({site_.now(),
                     What::kAsked,
                     fmt::format("#{} {} {} key '{}'", question->number, method, path, key),
                     {},
                     {},
                     -1,
                     0,
                     question->number,
                     question->body.dump()});
  auto stream = site_.world.net().connect_unix(kSocket);
  if (!stream) {
    question->is_lost = true;
    site_.history.add({site_.now(), What::kUnheard, fmt::format("#{}", question->number)});
    return question;
  }
  auto talk = std::make_shared<Talk>();
  talk->question = question;
  talk->stream = std::move(*stream);
  talks_.push_back(talk);
  std::string const text = question->body.dump();
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: sim\r\nContent-Length: {}\r\n", method,
                                    path, text.size());
  if (!key.empty()) request += fmt::format("Idempotency-Key: {}\r\n", key);
  talk->stream->write(request + "\r\n" + text, [](const Status&) {});
  read_on(talk);
  return question;
}

void Outside::read_on(const std::shared_ptr<Talk>& talk) {
  talk->stream->read([this, weak = std::weak_ptr(talk)](Result<std::string_view> bytes) {
    auto const talk = weak.lock();
    if (!talk || talk->is_over) return;
    if (bytes && !bytes->empty()) talk->received += *bytes;
    size_t const head = talk->received.find("\r\n\r\n");
    size_t const length_at = talk->received.find("Content-Length: ");
    bool const has_head = head != std::string::npos && length_at < head;
    size_t const length =
        has_head ? static_cast<size_t>(std::atoll(talk->received.c_str() + length_at + 16)) : 0;
    Question& question = *talk->question;
    if (has_head && talk->received.size() >= head + 4 + length) {
      talk->is_over = true;
      question.status = std::atoi(talk->received.c_str() + 9);
      auto json = parse_json(std::string_view(talk->received).substr(head + 4, length));
      if (json) question.answer = std::move(*json);
      site_.history.add({site_.now(),
                         What::kAnswered,
                         fmt::format("#{}", question.number),
                         {},
                         {},
                         -1,
                         question.number,
                         question.status,
                         question.answer.dump()});
      return;
    }
    if (!bytes || bytes->empty()) {
      talk->is_over = true;
      question.is_lost = true;
      site_.history.add({site_.now(), What::kUnheard, fmt::format("#{}", question.number)});
      return;
    }
    read_on(talk);
  });
}

void Outside::server_gone() {
  for (const auto& talk : talks_) {
    talk->stream.reset();
    if (talk->is_over) continue;
    talk->question->is_lost = true;
    site_.history.add({site_.now(), What::kUnheard, fmt::format("#{}", talk->question->number)});
  }
  talks_.clear();
  site_.world.run_now();
}

}  // namespace tidemill::sim
