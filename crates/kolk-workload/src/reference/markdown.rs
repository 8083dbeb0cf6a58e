//! Draws the reference as Markdown: the book's pages, and what `kolk help` prints.

use kolk_check::Kind;
use kolk_check::guide::{GUIDES, Guide};

use super::{ERRORS, ErrorDoc, Exchange, Message, SERVICES, ServiceDoc, WORKLOADS, WorkloadDoc};

/// What stands at the top of a page of the book that is drawn from here.
pub const DRAWN: &str = "<!-- drawn from crates/kolk-workload/src/reference; to renew it: \
                     KOLK_RENEW=1 cargo test -p kolk --test reference -->\n";

/// What stands over the checks that Maelstrom does not make.
const STRONGER: &str =
    "Reported, and counted with `--strict`, by `kolk challenge` and by `kolk explore`";

/// The page on the protocol. `transcript` is what a node reads and writes as it starts.
pub fn protocol(transcript: &str) -> String {
    let page = include_str!("protocol.md");
    let page = page.replace("{{errors}}\n", &errors_table());
    format!("{DRAWN}{}", page.replace("{{transcript}}\n", transcript))
}

/// The page on all workloads, each with the transcript that `transcript` has for it.
pub fn workloads(transcript: impl Fn(&WorkloadDoc) -> String) -> String {
    let links = links(WORKLOADS.iter().map(|doc| doc.name));
    let mut page = format!(
        "{DRAWN}# Workloads as JSON\n\nWhat clients send to nodes in each workload, what a node \
         answers, and what is checked: {links}. `kolk help workload NAME` prints a part of this \
         page. Every body also has `type`, and `msg_id` or `in_reply_to`, as \
         [the protocol](protocol.md) says. A reply must have the keys named here and no others; a \
         request may be answered with an [error](protocol.md#errors) instead. In every workload, a \
         request that is never answered though no fault is in the way is reported; it counts with \
         `--strict`, in `kolk challenge` and in `kolk explore`.\n"
    );
    for doc in WORKLOADS {
        page.push('\n');
        page.push_str(&workload(doc, &transcript(doc)));
    }
    page
}

/// One workload.
pub fn workload(doc: &WorkloadDoc, transcript: &str) -> String {
    let mut out = format!("## {}\n\n{}\n\n", doc.name, doc.about);
    exchanges(&mut out, "node", doc.exchanges);
    out.push_str(&format!("**The load.** {}\n\n", doc.load));
    list(&mut out, "Checked", doc.checked);
    list(&mut out, STRONGER, doc.strict);
    list(&mut out, "Not checked", doc.not_checked);
    out.push_str("A part of a run, `<` for what a node reads and `>` for what it writes:\n\n");
    out + transcript
}

/// The page on all services, each with the transcript that `transcript` has for it.
pub fn services(transcript: impl Fn(&ServiceDoc) -> String) -> String {
    let links = links(SERVICES.iter().map(|doc| doc.name));
    let mut page = format!(
        "{DRAWN}# Services as JSON\n\nServices are programs on the network that nodes may use: \
         {links}. A node sends them a request as it would to another node, with the service's name \
         as `dest`. `kolk help service NAME` prints a part of this page. Latency applies to their \
         messages, and loss and duplication if they are asked for; partitions never do. Every body \
         also has `type`, and `msg_id` or `in_reply_to`, as [the protocol](protocol.md) says. A \
         request of a type that a service does not know is answered with error 10.\n"
    );
    for doc in SERVICES {
        page.push('\n');
        page.push_str(&service(doc, &transcript(doc)));
    }
    page
}

/// One service.
pub fn service(doc: &ServiceDoc, transcript: &str) -> String {
    let mut out = format!("## {}\n\n{}\n\n", doc.name, doc.about);
    exchanges(&mut out, "service", doc.exchanges);
    list(&mut out, "What it promises, and what it does not", doc.promises);
    out.push_str("An example, `>` for what a node writes and `<` for what it reads:\n\n");
    out + transcript
}

/// All error codes.
pub fn errors() -> String {
    let mut out = errors_table();
    out.push_str(
        "\nCodes of 1000 and above are free for a program's own errors; they and all others that \
         are not named are indefinite.\n",
    );
    out
}

/// One error code.
pub fn error(doc: &ErrorDoc) -> String {
    let ErrorDoc { code, name, about, advice, .. } = doc;
    format!("## {code} {name}\n\n{about} {}\n\n{advice}\n", capital(promise(doc)))
}

/// A code that has no name.
pub fn unnamed_error(code: u32) -> String {
    let whose =
        if code >= 1000 { "It is free for a program's own errors." } else { "Nobody uses it." };
    format!(
        "## {code}\n\nThis code has no name. {whose} Indefinite: the operation may have happened, \
         or may yet.\n"
    )
}

/// The page on all anomalies.
pub fn anomalies() -> String {
    let kinds = kinds();
    let links: Vec<String> =
        kinds.iter().map(|kind| format!("[`{kind}`](#{})", kind.to_lowercase())).collect();
    let mut page = format!(
        "{DRAWN}# Anomalies\n\nWhat each kind of anomaly is, and where to look for its cause. \
         `kolk help anomaly NAME` prints a part of this page; the page on [the \
         checkers](checkers.md) says of the most frequent ones which workload they belong to. A \
         name that ends in `-process` or `-realtime` is explained under the name without it: the \
         order of a process, or of real time, is part of the proof. The last ones are no \
         anomalies but measures that a challenge sets a limit to.\n\n{}.\n",
        links.join(", ")
    );
    for kind in kinds {
        page.push('\n');
        page.push_str(&anomaly(kind).expect("one of them"));
    }
    page
}

/// The kinds of anomalies, in the order of the page.
fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = GUIDES.iter().map(|guide| guide.name).collect();
    kinds.dedup();
    kinds
}

/// One kind of anomaly, if there is one of that name.
pub fn anomaly(kind: &str) -> Option<String> {
    let kind = kind.parse().map_or(kind, |kind: Kind| kind.family().as_str());
    let of_kind: Vec<&Guide> = GUIDES.iter().filter(|guide| guide.name == kind).collect();
    if of_kind.is_empty() {
        return None;
    }
    let mut out = format!("## {kind}\n");
    for Guide { workloads, what, look, .. } in &of_kind {
        let place = match (workloads, of_kind.len()) {
            ([], 1) => String::new(),
            ([], _) => "Elsewhere: ".to_owned(),
            (names, _) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                format!("In {}: ", names.join(", "))
            }
        };
        out.push_str(&format!("\n{place}{what} {look}\n"));
    }
    Some(out)
}

fn promise(doc: &ErrorDoc) -> &'static str {
    if doc.is_definite {
        "definite: the operation did not happen, and never will."
    } else {
        "indefinite: the operation may have happened, or may yet."
    }
}

fn errors_table() -> String {
    let mut rows = vec![
        ["code", "name", "promises that it did not happen", "meaning", "use"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(ERRORS.iter().map(|doc| {
        let promise = if doc.is_definite { "yes" } else { "no" };
        let cells = [&doc.code.to_string(), doc.name, promise, doc.about, doc.advice];
        cells.map(str::to_owned).to_vec()
    }));
    table(&rows)
}

fn exchanges(out: &mut String, who: &str, exchanges: &[Exchange]) {
    let mut rows = vec![["message", "body", "meaning"].map(str::to_owned).to_vec()];
    for exchange in exchanges {
        rows.push(row("", &exchange.request));
        rows.push(row("↳ ", &exchange.reply));
        rows.extend(exchange.errors.iter().map(|(code, about)| {
            vec![format!("↳ error {code}"), String::new(), (*about).to_owned()]
        }));
    }
    out.push_str(&table(&rows));
    out.push_str(&format!("\n`↳` is what the {who} answers.\n\n"));
}

fn row(mark: &str, message: &Message) -> Vec<String> {
    let fields: Vec<String> = message
        .fields
        .iter()
        .map(|field| format!("`{}`: {} ({})", field.name, field.kind, field.about))
        .collect();
    vec![format!("{mark}`{}`", message.kind), fields.join("; "), message.about.to_owned()]
}

fn table(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        out.push_str(&format!("| {} |\n", row.join(" | ")).replace("  ", " "));
        if number == 0 {
            out.push_str(&format!("|{}\n", "---|".repeat(row.len())));
        }
    }
    out
}

fn list(out: &mut String, title: &str, items: &[&str]) {
    if items.is_empty() {
        return;
    }
    out.push_str(&format!("**{title}**\n\n"));
    for item in items {
        out.push_str(&format!("- {item}\n"));
    }
    out.push('\n');
}

fn links<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("[{name}](#{name})")).collect::<Vec<_>>().join(", ")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// Lines of JSON as a block. Each begins with `>` or `<`: what a node writes, and what it reads.
pub fn transcript<'a>(lines: impl Iterator<Item = (bool, &'a str)>) -> String {
    let mut out = "```text\n".to_owned();
    for (writes, line) in lines {
        out.push_str(&format!("{} {line}\n", if writes { '>' } else { '<' }));
    }
    out + "```\n"
}
