#![no_main]

kolk_fuzz::target!("log-times");
