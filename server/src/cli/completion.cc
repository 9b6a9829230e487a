// completion bash, zsh, fish: scripts made of the tree of commands, so that they know all of it.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"

namespace clinicdb::server {

namespace {

struct Word {
  std::string text;
  std::string description;
};

/// What may stand after a path of words.
struct Place {
  std::string path;  ///< "tenant create"; "" at the start
  std::vector<Word> words;
  std::vector<Word> options;
};

void gather(const CLI::App& app, const std::string& path, std::vector<Place>& places) {
  Place place{path, {}, {}};
  const auto subcommands =
      app.get_subcommands([](const CLI::App* each) { return !each->get_name().empty(); });
  for (const CLI::App* each : subcommands) {
    place.words.push_back({each->get_name(), each->get_description()});
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      place.options.push_back({"--" + name, option->get_description()});
    }
  }
  places.push_back(std::move(place));
  for (const CLI::App* each : subcommands) {
    gather(*each, path.empty() ? each->get_name() : path + " " + each->get_name(), places);
  }
}

/// In single quotes, for every shell.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      out += "'\\''";
    } else {
      out += letter;
    }
  }
  return out + "'";
}

std::string joined(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

/// Shell code, of bash and of zsh: walks the words before the cursor and leaves in `where` the path
/// of commands that they are.
std::string walk(const std::vector<Place>& places, const std::string& words,
                 const std::string& first, const std::string& last) {
  std::string text = "  local where= i\n  for ((i = " + first + "; i < " + last +
                     "; i++)); do\n    case \"${where:+$where }" + "${" + words +
                     "[i]}\" in\n      ";
  std::string paths;
  for (const Place& place : places) {
    if (!place.path.empty()) paths += (paths.empty() ? "" : " | ") + in_quotes(place.path);
  }
  return text + paths + ") where=\"${where:+$where }${" + words + "[i]}\" ;;\n    esac\n  done\n";
}

std::string bash_script(const std::vector<Place>& places) {
  std::string text =
      "# bash completion of clinicdb: source <(clinicdb completion bash)\n"
      "_clinicdb() {\n  local cursor=${COMP_WORDS[COMP_CWORD]} words= options=\n" +
      walk(places, "COMP_WORDS", "1", "COMP_CWORD") + "  case $where in\n";
  for (const Place& place : places) {
    text += "    " + in_quotes(place.path) + ") words=" + in_quotes(joined(place.words)) +
            " options=" + in_quotes(joined(place.options)) + " ;;\n";
  }
  return text +
         "  esac\n"
         "  [[ $cursor != -* ]] || words=$options\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cursor\"))\n"
         "}\n"
         "complete -o default -F _clinicdb clinicdb\n";
}

std::string zsh_script(const std::vector<Place>& places) {
  const auto described = [](const std::vector<Word>& words) {
    std::string list;
    for (const Word& word : words) {
      std::string text;
      for (const char letter : word.text + ":" + word.description) {
        if (letter == ':' && text.size() > word.text.size()) text += '\\';
        text += letter;
      }
      list += " " + in_quotes(text);
    }
    return list;
  };
  std::string text =
      "#compdef clinicdb\n"
      "# zsh completion of clinicdb: clinicdb completion zsh > \"${fpath[1]}/_clinicdb\"\n"
      "_clinicdb() {\n  local -a candidates options\n" +
      walk(places, "words", "2", "CURRENT") + "  case $where in\n";
  for (const Place& place : places) {
    text += "    " + in_quotes(place.path) + ") candidates=(" + described(place.words) +
            " ) options=(" + described(place.options) + " ) ;;\n";
  }
  return text +
         "  esac\n"
         "  [[ ${words[CURRENT]} != -* ]] || candidates=(\"${options[@]}\")\n"
         "  ((${#candidates})) && _describe clinicdb candidates || _files\n"
         "}\n"
         "compdef _clinicdb clinicdb\n";
}

std::string fish_script(const std::vector<Place>& places) {
  std::string paths;
  for (const Place& place : places) {
    if (!place.path.empty()) paths += " " + in_quotes(place.path);
  }
  std::string text =
      "# fish completion of clinicdb: clinicdb completion fish > "
      "~/.config/fish/completions/clinicdb.fish\n"
      "function __clinicdb_at\n"
      "  set -l where ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    set -l next (string trim \"$where $word\")\n"
      "    contains -- \"$next\"" +
      paths +
      "; and set where $next\n"
      "  end\n"
      "  test \"$where\" = \"$argv[1]\"\n"
      "end\n";
  for (const Place& place : places) {
    const std::string at =
        "complete -c clinicdb -n " + in_quotes("__clinicdb_at " + in_quotes(place.path));
    for (const Word& word : place.words) {
      text += at + " -f -a " + in_quotes(word.text) + " -d " + in_quotes(word.description) + "\n";
    }
    for (const Word& option : place.options) {
      text += at + " -l " + in_quotes(option.text.substr(2)) + " -d " +
              in_quotes(option.description) + "\n";
    }
  }
  return text;
}

}  // namespace

void add_completion_command(Commands& commands) {
  auto shell = std::make_shared<std::string>();
  CLI::App& root = commands.root();
  commands
      .add("completion", "Write a completion script for a shell", Needs::kNothing,
           {"source <(clinicdb completion bash)",
            "clinicdb completion zsh > \"${fpath[1]}/_clinicdb\"",
            "clinicdb completion fish > ~/.config/fish/completions/clinicdb.fish"},
           [shell, &root](Session& session) -> Result<ExitCode> {
             std::vector<Place> places;
             gather(root, "", places);
             const std::string script = *shell == "bash"  ? bash_script(places)
                                        : *shell == "zsh" ? zsh_script(places)
                                                          : fish_script(places);
             if (session.json()) {
               session.show(Json{{"shell", *shell}, {"script", script}});
             } else {
               session.say(std::string_view(script).substr(0, script.size() - 1));
             }
             return ExitCode::kDone;
           })
      .text("SHELL", *shell, "bash, zsh or fish")
      .required()
      .choices({"bash", "zsh", "fish"});
}

}  // namespace clinicdb::server
