#![no_main]

kolk_fuzz::target!("json-lines");
