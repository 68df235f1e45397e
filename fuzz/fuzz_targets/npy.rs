#![no_main]

heatsplat_fuzz::target!("npy");
