#![no_main]

kolk_fuzz::target!("any-history");
