// `alerts`, `channels` and `mail`: who is told of what.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "flow/project.h"
#include "flow/reader.h"

namespace tidemill::flow {

// One rule or a list of them. `channels` are those that a rule may name.
std::vector<AlertRule> read_alert_rules(Reader& reader, const YamlNode& node,
                                        const std::string& owner, Places place,
                                        const std::map<std::string, Channel>& channels);
std::map<std::string, Channel> read_channels(Reader& reader, const YamlNode& node,
                                             const MailWay& mail);
MailWay read_mail(Reader& reader, const YamlNode& node);

}  // namespace tidemill::flow
