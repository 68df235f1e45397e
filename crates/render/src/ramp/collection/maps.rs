//! The ramps that were made for this program. From low to high densities, ramps for dark base maps
//! become steadily lighter, and ramps for light base maps become steadily darker. Diverging ramps,
//! for differences and quotients, have a neutral colour in the middle and a different hue on each
//! side.
//!
//! Each ramp is a list of stops, `(position, 0xRRGGBB)`. Colours between two stops are mixed in
//! Oklab.

/// The stops of a ramp: positions, in ascending order, and opaque colours.
pub(super) type Stops = &'static [(f32, u32)];

/// From the dark red of embers to the light yellow of a flame.
pub(super) const EMBER: Stops = &[
    (0.0, 0x3b0d16),
    (0.2, 0x8a1420),
    (0.45, 0xd8391d),
    (0.68, 0xf98326),
    (0.86, 0xffc95a),
    (1.0, 0xfff6cf),
];

/// From the blue of a night sky to light green.
pub(super) const AURORA: Stops = &[
    (0.0, 0x14284f),
    (0.2, 0x125c7a),
    (0.42, 0x119684),
    (0.65, 0x53ca7c),
    (0.85, 0xb8ec7c),
    (1.0, 0xf8ffcc),
];

/// From the blue of deep water to the white of snow.
pub(super) const ICE: Stops = &[
    (0.0, 0x131c5c),
    (0.22, 0x1c4bb0),
    (0.48, 0x2590e4),
    (0.7, 0x68cbf4),
    (0.87, 0xbdebfb),
    (1.0, 0xffffff),
];

/// From violet over magenta to peach.
pub(super) const NEBULA: Stops = &[
    (0.0, 0x231259),
    (0.2, 0x5a20a8),
    (0.42, 0xb12cb8),
    (0.64, 0xf0568f),
    (0.84, 0xffa478),
    (1.0, 0xffeebf),
];

/// From blue to light gold, distinguishable with every kind of colour vision.
pub(super) const BEACON: Stops = &[
    (0.0, 0x131d66),
    (0.22, 0x2450bd),
    (0.44, 0x4f8fe6),
    (0.6, 0xaebfc6),
    (0.78, 0xf6cf4b),
    (1.0, 0xfffbd3),
];

/// From the orange of evening light to the violet of night.
pub(super) const DUSK: Stops = &[
    (0.0, 0xffe0bd),
    (0.18, 0xfbb291),
    (0.4, 0xec6c81),
    (0.62, 0xb53d8e),
    (0.82, 0x6b268b),
    (1.0, 0x2c1262),
];

/// From the pale blue of thin ink to the dark blue of thick ink.
pub(super) const INK: Stops = &[
    (0.0, 0xd3e2f2),
    (0.22, 0x9abfe3),
    (0.45, 0x578fce),
    (0.67, 0x2b62ad),
    (0.85, 0x163d80),
    (1.0, 0x0a1c47),
];

/// From light pink to dark wine red.
pub(super) const ROSE: Stops = &[
    (0.0, 0xfddcdc),
    (0.22, 0xf9aeb6),
    (0.45, 0xef6a86),
    (0.67, 0xcf2b5d),
    (0.85, 0x93104a),
    (1.0, 0x520730),
];

/// From the green of young leaves to that of a dark forest.
pub(super) const MOSS: Stops = &[
    (0.0, 0xe9efb6),
    (0.22, 0xbcd874),
    (0.45, 0x74b65c),
    (0.67, 0x2e8b5b),
    (0.85, 0x115e55),
    (1.0, 0x07343c),
];

/// From the colour of sand to that of the deep sea, distinguishable with every kind of colour
/// vision.
pub(super) const TIDE: Stops = &[
    (0.0, 0xfdf4ca),
    (0.2, 0xedce6c),
    (0.4, 0x9dc18f),
    (0.58, 0x54a5b5),
    (0.78, 0x2564a4),
    (1.0, 0x0d2259),
];

/// Blue for less, and red for more.
pub(super) const BALANCE: Stops = &[
    (0.0, 0x0b2b66),
    (0.18, 0x1f5fae),
    (0.36, 0x6aa6d8),
    (0.5, 0xd9d9d6),
    (0.64, 0xe88f6c),
    (0.82, 0xbf3a33),
    (1.0, 0x6b0f24),
];

/// Teal for less, and brown for more.
pub(super) const DELTA: Stops = &[
    (0.0, 0x06403f),
    (0.18, 0x1b7d78),
    (0.36, 0x77bdb2),
    (0.5, 0xdedad0),
    (0.64, 0xd7aa63),
    (0.82, 0xa3691f),
    (1.0, 0x573007),
];

/// Violet for less, and green for more.
pub(super) const HARVEST: Stops = &[
    (0.0, 0x3d0f55),
    (0.18, 0x7b3f98),
    (0.36, 0xb995cc),
    (0.5, 0xdadad7),
    (0.64, 0x98c98b),
    (0.82, 0x3f8f4a),
    (1.0, 0x0d4a24),
];

/// Light colours at both ends, and dark ones in the middle.
pub(super) const POLAR: Stops = &[
    (0.0, 0xd8f3ff),
    (0.18, 0x72c3f2),
    (0.36, 0x2c6fb3),
    (0.5, 0x2a2a33),
    (0.64, 0xb0432f),
    (0.82, 0xf58c43),
    (1.0, 0xffecb0),
];
