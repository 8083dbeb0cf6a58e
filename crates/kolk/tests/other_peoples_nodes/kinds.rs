//! The kinds of node, and what Maelstrom (commit cb7f072) says of each.
//!
//! Where it stops reading a node, which hides the node's fault and lets the run end valid, kolk
//! says invalid on purpose, as the compatibility page explains: [`Verdict::InvalidHere`].
//! `expected.txt` is the same table to be read.

/// What a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Valid, in Maelstrom too.
    Valid,
    /// Invalid, in Maelstrom too.
    Invalid,
    /// Invalid here; Maelstrom stops reading the node, or notes an exception.
    InvalidHere,
}

/// Where a kind can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// On both.
    Both,
    /// Where it would take long to wait, on the virtual one alone.
    Virtual,
}

/// A kind of node.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in `node.py`.
    pub name: &'static str,
    /// Flags beside the usual ones.
    pub flags: &'static str,
    /// Where it can be run.
    pub clocks: Clocks,
    /// Every operation must succeed.
    pub total: bool,
    /// What the run is.
    pub verdict: Verdict,
    /// What stands on the screen, among others.
    pub says: &'static [&'static str],
    /// What Maelstrom does with it.
    pub why: &'static str,
}

const fn kind(
    name: &'static str,
    verdict: Verdict,
    says: &'static [&'static str],
    why: &'static str,
) -> Kind {
    Kind { name, flags: "", clocks: Clocks::Both, total: true, verdict, says, why }
}

/// Taken, without a word.
const fn fine(name: &'static str, why: &'static str) -> Kind {
    kind(name, Verdict::Valid, &["✓ valid"], why)
}

/// Taken, with a warning.
const fn noted(name: &'static str, says: &'static [&'static str], why: &'static str) -> Kind {
    kind(name, Verdict::Valid, says, why)
}

/// Not taken here.
const fn refused(name: &'static str, says: &'static [&'static str], why: &'static str) -> Kind {
    kind(name, Verdict::InvalidHere, says, why)
}

/// Wrong, in Maelstrom as here.
const fn wrong(name: &'static str, says: &'static [&'static str], why: &'static str) -> Kind {
    Kind { total: false, ..kind(name, Verdict::Invalid, says, why) }
}

/// Some operations have no known outcome.
const fn partial(kind: Kind) -> Kind {
    Kind { total: false, ..kind }
}

const IDS: &str = "a msg_id is not looked at, and given back as it came";
const DEAF: &str = "the node is never read again";
const EXCEPTION: &str = "an exception in the history; the operation's outcome is unknown";
const UNKNOWN: &str = "an error without a known code: the operation's outcome is unknown";
const TRUTHY: &str = "true is whatever is not null or false";
const NULLS: &str = "what a request leaves out is null";

#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    // What requests are called.
    fine("ids_uuid_to_peers", IDS), fine("ids_uuid_to_services", IDS),
    fine("ids_float_to_peers", IDS), fine("ids_float_to_services", IDS),
    fine("ids_whole_float_to_peers", IDS), fine("ids_whole_float_to_services", IDS),
    fine("ids_list_to_peers", IDS), fine("ids_list_to_services", IDS),
    fine("ids_object_to_peers", IDS), fine("ids_object_to_services", IDS),
    fine("ids_huge_to_peers", IDS), fine("ids_huge_to_services", IDS),
    fine("ids_negative_to_peers", IDS), fine("ids_negative_to_services", IDS),
    fine("ids_zero_to_peers", IDS), fine("ids_zero_to_services", IDS),
    fine("ids_null_to_peers", IDS), fine("ids_null_to_services", IDS),
    fine("ids_true_to_peers", IDS), fine("ids_true_to_services", IDS),
    fine("ids_empty_to_peers", IDS), fine("ids_empty_to_services", IDS),
    fine("ids_unicode_to_peers", IDS), fine("ids_unicode_to_services", IDS),
    fine("ids_text_number_to_peers", IDS), fine("ids_text_number_to_services", IDS),
    fine("ids_int64_max_to_peers", IDS), fine("ids_int64_max_to_services", IDS),
    fine("ids_none_to_services", "in_reply_to is null in the answer to a request without a msg_id"),

    // Who answers, and in whose name.
    fine("another_node_answers", "a client looks at in_reply_to alone"),
    fine("another_node_answers_init", "so does the client that sends init"),
    noted("passes_messages_on", &["(counts with --strict)", "[foreign-source", "comes from `c"], "src must exist, and nobody asks whose it is"),
    noted("passes_messages_on_with_their_id", &["[foreign-source"], "an id is allowed, and given anew"),
    noted("speaks_for_its_peer", &["[foreign-source"], "src must exist, and nobody asks whose it is"),
    noted("speaks_for_a_service", &["[foreign-source"], "src must exist, and nobody asks whose it is"),
    refused("speaks_for_nobody", &["[unknown-source", "comes from `n9`"], DEAF),
    noted("answers_twice", &["a second time"], "the second answer is passed over"),
    partial(Kind { clocks: Clocks::Virtual, flags: "--time-limit 8", ..fine("answers_late", "the client has given up; so may the node be, from then on") }),
    noted("tells_clients_what_they_did_not_ask", &["nobody made"], "a client passes over what it does not wait for"),
    fine("talks_to_itself", "a node's own id is a destination like any other"),
    fine("numbers_its_answers", "an answer's own msg_id may be any integer"),

    // Bodies and lines.
    noted("body_without_type", &["[no-type]", "has no `type`"], "a body may be anything"),
    noted("type_is_a_number", &["[no-type]", "is no name"], "a body may be anything"),
    noted("type_is_null", &["[no-type]"], "a body may be anything"),
    noted("body_is_null", &["[no-type]"], "the body is empty"),
    noted("body_is_an_empty_list", &["[no-type]"], "the body is empty"),
    noted("body_is_left_out", &["[no-type]"], "the body is empty"),
    refused("body_is_a_number", &["`body` must be an object"], DEAF),
    fine("more_keys_in_the_body", "a body may be anything"),
    fine("a_key_twice", "the last one counts"),
    refused("an_extra_key", &["no key `time`"], DEAF),
    noted("two_messages_on_a_line", &["[text-after-message]"], "the first is sent, what follows is not read"),
    noted("text_after_a_message", &["[text-after-message]"], "what follows is not read"),
    fine("blank_lines", "the node is never read again; harmless, hence forgiven here"),
    fine("line_ends_of_windows", "white space"),
    fine("spaces_around", "white space"),
    fine("body_first", "the order of keys does not matter"),
    noted("a_raw_tab_in_a_string", &["[loose-json]"], "control characters in strings are taken"),
    noted("bytes_that_are_no_text", &["[loose-json]"], "each is replaced"),
    fine("many_scripts", "text is text"),
    refused("text_that_is_no_message", &["[not-a-message"], DEAF),
    refused("to_nobody", &["[unknown-destination"], DEAF),
    fine("nested_200_levels", "a thousand levels may be nested"),
    fine("nested_900_levels", "a thousand levels may be nested"),
    fine("nested_1000_levels", "a thousand levels may be nested"),
    refused("nested_1001_levels", &["nested too deeply"], DEAF),
    fine("numbers_of_any_size", "integers have any number of digits"),
    fine("a_megabyte", "a line may be long"),

    // Errors to clients.
    partial(noted("error_without_code", &["[no-error-code]", "has no `code`"], UNKNOWN)),
    partial(noted("error_with_a_text_for_a_code", &["[no-error-code]", "is no integer"], UNKNOWN)),
    partial(noted("error_with_a_name_for_a_code", &["[no-error-code]"], UNKNOWN)),
    partial(noted("error_with_a_fraction_for_a_code", &["[no-error-code]"], UNKNOWN)),
    partial(noted("error_with_null_for_a_code", &["[no-error-code]"], UNKNOWN)),
    partial(fine("error_without_text", "a text is not needed")),
    partial(fine("error_with_an_object_for_a_text", "a text may be anything")),
    partial(fine("error_with_a_code_nobody_knows", UNKNOWN)),
    partial(fine("error_with_more_keys", "an error's body is not looked at further")),

    // Answers to clients that do not fit.
    refused("answer_with_an_extra_key", &["[malformed-reply"], EXCEPTION),
    refused("answer_of_another_type", &["[malformed-reply"], EXCEPTION),
    refused("answer_without_type", &["[malformed-reply"], EXCEPTION),
    refused("answer_with_a_text_for_an_id", &["`msg_id` must be an integer"], EXCEPTION),
    Kind { flags: "-w broadcast --node-count 1", ..refused("null_for_an_empty_list", &["[malformed-reply", "found null, expected an array"], "null is taken for a list without elements") },
    Kind { clocks: Clocks::Virtual, ..refused("answer_to_a_text", &["`in_reply_to` must be an integer"], "the client waits in vain") },
    Kind { clocks: Clocks::Virtual, ..refused("answer_to_a_fraction", &["`in_reply_to` must be an integer"], "the client waits in vain") },

    // Services.
    fine("cas_without_from_creates", NULLS), fine("cas_without_from_and_to", NULLS),
    fine("write_without_value", NULLS), fine("requests_without_key", NULLS),
    fine("create_if_not_exists_one", TRUTHY), fine("create_if_not_exists_zero", TRUTHY),
    fine("create_if_not_exists_yes", TRUTHY), fine("create_if_not_exists_empty_text", TRUTHY),
    fine("create_if_not_exists_empty_list", TRUTHY), fine("create_if_not_exists_null", TRUTHY),
    fine("create_if_not_exists_false", TRUTHY),
    fine("lww_kv_creates_nothing", "lww-kv does not know create_if_not_exists"),
    fine("keys_of_any_kind", "keys are compared by value: 1 is not 1.0, the order of keys is nothing"),
    fine("values_of_any_size", "integers have any number of digits"),
    fine("more_keys_in_a_request", "keys that a service does not know are passed over"),
    Kind { flags: "-w g-counter --node-count 3 --rate 100 --time-limit 3", clocks: Clocks::Virtual, ..fine("who_only_reads_comes_up_to_date", "seq-kv may show the newest state too") },

    Kind { flags: "-w kafka --node-count 1 --concurrency 2n --rate 1000 --strict", clocks: Clocks::Virtual, ..partial(fine("keeps_the_last_commit", "a node may keep the last offset that it was told, or a lower one")) },

    // Wrong answers.
    wrong("echoes_something_else", &["✗ invalid"], "the checker of echo compares payloads"),
    wrong("refuses_every_other_request", &["✗ invalid"], "an echo that fails is none"),
    wrong("refuses_every_request", &["✗ invalid"], "no echo ever succeeded"),
    Kind { flags: "-w unique-ids --node-count 3", ..wrong("one_id_for_all", &["[duplicate-id"], "ids are compared") },
    Kind { flags: "-w broadcast --node-count 1", clocks: Clocks::Virtual, ..wrong("forgets_what_it_was_told", &["[lost"], "a value that was acknowledged must be read") },

    // Other workloads.
    Kind { flags: "-w unique-ids --node-count 3 --rate 100", ..fine("ids_of_every_kind", "an id is any JSON") },
];
