//! The projects that `kolk new` writes: their files are in `templates/`, one folder a language.

use clap::ValueEnum;

/// The languages there are projects for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Python 3.8 or later
    Python,
    /// JavaScript for Node.js 16 or later
    Javascript,
    /// TypeScript for Node.js 16 or later
    Typescript,
    /// Go 1.18 or later
    Go,
    /// Rust, on kolk-node
    Rust,
    /// Ruby 3.0 or later
    Ruby,
    /// Java 17 or later
    Java,
    /// Elixir 1.13 or later
    Elixir,
}

/// A file of a project.
pub struct File {
    /// Where it goes, from the project's folder.
    pub path: &'static str,
    /// What it is, for the README; empty for what needs no words.
    about: &'static str,
    text: &'static str,
    /// True if it can be run.
    pub is_program: bool,
}

/// What a language's project is made of.
pub struct Project {
    /// The language's name, as people write it.
    title: &'static str,
    /// What must be installed.
    needs: &'static str,
    /// The program, for `--bin`.
    pub bin: &'static str,
    /// The file to go on in.
    main: &'static str,
    /// How a node asks others, a paragraph.
    ask: &'static str,
    /// Where the program of another workload, in a stage of the course, is found and built.
    another: &'static str,
    /// The commands that make the program.
    build: &'static str,
    /// The steps that install the language, in a GitHub workflow.
    setup: &'static str,
    /// What is not for people and not for git.
    ignored: &'static str,
    /// What the program is made of, files and folders.
    sources: &'static [&'static str],
    files: &'static [File],
}

macro_rules! file {
    ($language:literal, $path:literal, $about:literal) => {
        file!($language, $path, $about, $path, false)
    };
    ($language:literal, program $path:literal, $about:literal) => {
        file!($language, $path, $about, $path, true)
    };
    ($language:literal, $path:literal, $about:literal, $template:literal, $is_program:literal) => {
        File {
            path: $path,
            about: $about,
            text: include_str!(concat!("../templates/", $language, "/", $template)),
            is_program: $is_program,
        }
    };
}

const PYTHON: Project = Project {
    title: "Python",
    needs: "Python 3.8 or later, and nothing else",
    bin: "./main.py",
    main: "main.py",
    ask: "`await node.rpc(peer, body)` asks another node and waits a second for its reply, \
          `await node.retry(peer, body)` asks until there is one, `node.spawn` does so beside the \
          handler, and `KeyValue(node, \"seq-kv\")` is a store.",
    another: "it lies beside `main.py`, named after the workload: `unique-ids.py`, \
              `broadcast.py`. It must be executable.",
    build: "python3 -m py_compile main.py kolknode.py kolkdisk.py",
    setup: "      - uses: actions/setup-python@v5\n        with:\n          python-version: \"3\"",
    ignored: "__pycache__/",
    sources: &["main.py", "kolknode.py", "kolkdisk.py"],
    files: &[
        file!("python", program "main.py", "the node"),
        file!(
            "python",
            "kolknode.py",
            "the library: messages, RPC, timers, key-value clients, lockstep"
        ),
        file!("python", "kolkdisk.py", "a log that a kill and a loss of power leave whole"),
    ],
};

const JAVASCRIPT: Project = Project {
    title: "JavaScript",
    needs: "Node.js 16 or later, and nothing else",
    bin: "./main.js",
    main: "main.js",
    ask: "`await node.rpc(peer, body)` asks another node and waits a second for its reply, \
          `await node.retry(peer, body)` asks until there is one, and `new KeyValue(node, \
          \"seq-kv\")` is a store.",
    another: "it lies beside `main.js`, named after the workload: `unique-ids.js`, \
              `broadcast.js`. It must be executable.",
    build: "node --check main.js\nnode --check kolknode.js",
    setup: "      - uses: actions/setup-node@v4\n        with:\n          node-version: 20",
    ignored: "node_modules/",
    sources: &["main.js", "kolknode.js"],
    files: &[
        file!("javascript", program "main.js", "the node"),
        file!(
            "javascript",
            "kolknode.js",
            "the library: messages, RPC, timers, key-value clients, lockstep"
        ),
    ],
};

const TYPESCRIPT: Project = Project {
    title: "TypeScript",
    needs: "Node.js 16 or later with npm, which fetches the compiler; the program itself needs \
            nothing else",
    bin: "./dist/main.js",
    main: "src/main.ts",
    ask: "`await node.rpc(peer, body)` asks another node and waits a second for its reply, \
          `await node.retry(peer, body)` asks until there is one, and `new KeyValue(node, \
          \"seq-kv\")` is a store.",
    another: "it lies beside `main.ts`, named after the workload: `src/unique-ids.ts`, \
              `src/broadcast.ts`. `build.sh` makes all of them.",
    build: "[ -d node_modules ] || npm install --no-audit --no-fund\nnpx tsc\nchmod +x dist/*.js",
    setup: "      - uses: actions/setup-node@v4\n        with:\n          node-version: 20",
    ignored: "node_modules/\n/dist/",
    sources: &["src", "package.json", "tsconfig.json"],
    files: &[
        file!("typescript", "src/main.ts", "the node"),
        file!(
            "typescript",
            "src/kolknode.ts",
            "the library: messages, RPC, timers, key-value clients, lockstep"
        ),
        file!("typescript", "package.json", ""),
        file!("typescript", "tsconfig.json", ""),
    ],
};

const RUBY: Project = Project {
    title: "Ruby",
    needs: "Ruby 3.0 or later, and nothing else",
    bin: "./main.rb",
    main: "main.rb",
    ask: "`node.rpc(peer, body)` asks another node and waits a second for its reply, \
          `node.retry_rpc(peer, body)` asks until there is one, `node.spawn` does so beside the \
          handler, and `KeyValue.new(node, 'seq-kv')` is a store.",
    another: "it lies beside `main.rb`, named after the workload: `unique-ids.rb`, \
              `broadcast.rb`. It must be executable.",
    build: "ruby -c main.rb kolknode.rb",
    setup: "      - uses: ruby/setup-ruby@v1\n        with:\n          ruby-version: \"3.3\"",
    ignored: "/.bundle/",
    sources: &["main.rb", "kolknode.rb"],
    files: &[
        file!("ruby", program "main.rb", "the node"),
        file!(
            "ruby",
            "kolknode.rb",
            "the library: messages, RPC, timers, key-value clients, lockstep"
        ),
    ],
};

const JAVA: Project = Project {
    title: "Java",
    needs: "a JDK of version 17 or later, and nothing else",
    bin: "./node",
    main: "Main.java",
    ask: "`node.rpc(peer, body, Node.SECOND)` gives the future reply of another node, \
          `node.retry` asks until there is one, and `new KeyValue(node, \"seq-kv\")` is a store.",
    another: "it is a copy of the script `node`, named after the workload, such as `unique-ids`, \
              that starts another class in place of `Main`. List the class's file under `sources` \
              in `kolk.toml`, so that `kolk learn watch` looks at it.",
    build: "javac -Xlint:all -Werror -d build ./*.java",
    setup: "      - uses: actions/setup-java@v4\n        with:\n          distribution: \
            temurin\n          java-version: 17",
    ignored: "/build/",
    sources: &["Main.java", "Node.java", "KeyValue.java", "RpcException.java", "Json.java", "node"],
    files: &[
        file!("java", "Main.java", "the node"),
        file!("java", program "node", "starts it"),
        file!("java", "Node.java", "the library: messages, RPC, timers, lockstep"),
        file!("java", "KeyValue.java", "its key-value client"),
        file!("java", "RpcException.java", "its errors"),
        file!("java", "Json.java", "JSON, which Java does not come with"),
    ],
};

const ELIXIR: Project = Project {
    title: "Elixir",
    needs: "Elixir 1.13 or later, and nothing else",
    bin: "./node",
    main: "main.exs",
    ask: "`KolkNode.rpc(peer, body)` asks another node and waits a second for its reply, \
          `KolkNode.retry(peer, body)` asks until there is one, `KolkNode.spawn_task` does so \
          beside the handler, and `KeyValue` is for the stores.",
    another: "it is a copy of the script `node`, named after the workload, such as `unique-ids`, \
              that starts another file in place of `main.exs`. List that file under `sources` in \
              `kolk.toml`, so that `kolk learn watch` looks at it.",
    build: "mkdir -p build\nelixirc --warnings-as-errors -o build ./*.ex",
    setup: "      - uses: erlef/setup-beam@v1\n        with:\n          otp-version: \
            \"26\"\n          elixir-version: \"1.16\"",
    ignored: "/build/",
    sources: &["main.exs", "kolk_node.ex", "json.ex", "node"],
    files: &[
        file!("elixir", "main.exs", "the node"),
        file!("elixir", program "node", "starts it"),
        file!(
            "elixir",
            "kolk_node.ex",
            "the library: messages, RPC, timers, key-value clients, lockstep"
        ),
        file!("elixir", "json.ex", "JSON, which older versions do not come with"),
    ],
};

const GO: Project = Project {
    title: "Go",
    needs: "Go 1.18 or later, and nothing else",
    bin: "./bin/node",
    main: "main.go",
    ask: "`node.RPC(peer, body, time.Second)` asks another node and waits a second for its reply, \
          `node.Retry` asks until there is one, `node.Go` does so beside the handler, and \
          `kolknode.KeyValue` is a store.",
    another: "it lies in a folder of `cmd`, named after the workload: `cmd/unique-ids/main.go`, \
              `cmd/broadcast/main.go`. `build.sh` makes all of them.",
    build: "go vet ./...\ngo build -o bin/node .\n[ ! -d cmd ] || go build -o bin/ ./cmd/...",
    setup: "      - uses: actions/setup-go@v5\n        with:\n          go-version: stable",
    ignored: "/bin/",
    sources: &["main.go", "cmd", "kolknode", "go.mod"],
    files: &[
        file!("go", "main.go", "the node"),
        file!("go", "kolknode/node.go", "the library: messages and lockstep"),
        file!("go", "kolknode/rpc.go", "its RPC, timers, and key-value clients"),
        file!("go", "go.mod", ""),
    ],
};

const RUST: Project = Project {
    title: "Rust",
    needs: "a Rust toolchain",
    bin: "./target/debug/kolkproject",
    main: "src/lib.rs",
    ask: "`cx.rpc(peer, &request).await` asks another node and waits a second for its reply, \
          `cx.rpc_retry` asks until there is one, and `cx.seq_kv()` is a store.",
    another: "it lies in `src/bin`, named after the workload: `src/bin/unique-ids.rs`, \
              `src/bin/broadcast.rs`. `build.sh` makes all of them.",
    build: "cargo build --target-dir target\ncargo test --target-dir target",
    setup: "",
    ignored: "/target/",
    sources: &["src", "Cargo.toml"],
    files: &[
        file!("rust", "src/lib.rs", "the node"),
        file!("rust", "src/main.rs", "the node as a program"),
        file!("rust", "tests/cluster.rs", "a test in a simulated cluster"),
        file!("rust", "Cargo.toml", "", "Cargo.toml.in", false),
    ],
};

impl Language {
    /// Its project.
    pub const fn project(self) -> &'static Project {
        match self {
            Language::Python => &PYTHON,
            Language::Javascript => &JAVASCRIPT,
            Language::Typescript => &TYPESCRIPT,
            Language::Go => &GO,
            Language::Rust => &RUST,
            Language::Ruby => &RUBY,
            Language::Java => &JAVA,
            Language::Elixir => &ELIXIR,
        }
    }
}

impl Project {
    /// All files of the project with this name, as they are written.
    pub fn files(&self, name: &str) -> Vec<(&'static str, String, bool)> {
        let own = self.files.iter().map(|file| (file.path, file.text.to_owned(), file.is_program));
        let build = format!(
            "#!/bin/sh\n# Makes the program BIN.\nset -eu\ncd \"$(dirname \"$0\")\"\n\n{}\n",
            self.build
        );
        let common = [
            ("build.sh", build, true),
            ("test.sh", include_str!("../templates/common/test.sh").to_owned(), true),
            ("README.md", self.readme(), false),
            (".github/workflows/test.yml", self.workflow(), false),
            ("kolk.toml", self.defaults(), false),
            (".gitignore", format!("{}\n/store/\n", self.ignored), false),
        ];
        let all = own.chain(common);
        all.map(|(path, text, is_program)| (path, self.filled_in(&text, name), is_program))
            .collect()
    }

    fn readme(&self) -> String {
        let files: Vec<String> = self
            .files
            .iter()
            .filter(|file| !file.about.is_empty())
            .map(|file| format!("| `{}` | {} |", file.path, file.about))
            .collect();
        include_str!("../templates/common/README.md").replace("FILES", &files.join("\n"))
    }

    fn defaults(&self) -> String {
        let sources: Vec<String> = self.sources.iter().map(|path| format!("{path:?}")).collect();
        include_str!("../templates/common/kolk.toml").replace("SOURCES", &sources.join(", "))
    }

    fn workflow(&self) -> String {
        let workflow = include_str!("../templates/common/test.yml");
        let setup = if self.setup.is_empty() { String::new() } else { format!("{}\n", self.setup) };
        workflow.replace("SETUP\n", &setup)
    }

    fn filled_in(&self, text: &str, name: &str) -> String {
        // In Rust a dash in a package's name is an underscore in its crate's.
        let identifier = name.replace('-', "_");
        let repository = env!("CARGO_PKG_REPOSITORY");
        text.replace("LANGUAGE", self.title)
            .replace("NEEDS", self.needs)
            .replace("ASK", self.ask)
            .replace("ANOTHER", self.another)
            .replace("MAIN", self.main)
            .replace("BIN", self.bin)
            .replace("KOLK_NODE", &dependency("kolk-node"))
            .replace("KOLK_ENGINE", &dependency("kolk-engine"))
            .replace("REPOSITORY", repository)
            .replace("kolkproject::", &format!("{identifier}::"))
            .replace("kolkproject", name)
    }
}

/// Where a package of kolk's is: beside this program's sources if these are still there, so that
/// node and workbench are of one version, and else in the repository.
fn dependency(package: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(package);
    match folder.to_str() {
        Some(path) if folder.join("Cargo.toml").is_file() && !path.contains(['"', '\\']) => {
            format!("path = \"{path}\"")
        }
        _ => format!("git = \"{}\"", env!("CARGO_PKG_REPOSITORY")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library is small enough to be read, and no placeholder is left.
    #[test]
    fn libraries_are_short_and_all_is_filled_in() {
        for language in Language::value_variants() {
            let project = language.project();
            for file in project.files {
                // `kolk watch` looks at all that the program is made of; tests are no part of it.
                let is_watched = project.sources.iter().any(|source| {
                    let inside = file.path.strip_prefix(source);
                    inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                });
                let is_test = file.path.starts_with("tests/");
                assert!(is_watched || is_test, "{language:?}: {} is not watched", file.path);
                let lines = file.text.lines().filter(|line| !line.trim().is_empty()).count();
                assert!(lines <= 160, "{language:?}: {} has {lines} lines", file.path);
            }
            for (path, text, _) in project.files("my-node") {
                for word in [
                    "LANGUAGE",
                    "NEEDS",
                    "FILES",
                    "SETUP",
                    "ASK",
                    "ANOTHER",
                    "MAIN",
                    "BIN",
                    "KOLK_NODE",
                    "KOLK_ENGINE",
                    "kolkproject",
                ] {
                    assert!(!text.contains(word), "{language:?}: {path}: {word}");
                }
                assert!(text.ends_with('\n') && !text.contains("\r"), "{language:?}: {path}");
            }
        }
    }
}
