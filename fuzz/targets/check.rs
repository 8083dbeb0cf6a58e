#![no_main]

kolk_fuzz::target!("check");
