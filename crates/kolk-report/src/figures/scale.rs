//! Scales: from times, counts and latencies to places, and the ticks between.

/// A scale that is even.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// The least and the greatest value.
    pub domain: (f64, f64),
    /// Where those lie.
    pub range: (f64, f64),
}

impl Linear {
    /// Where a value lies.
    pub fn place(&self, value: f64) -> f64 {
        let (low, high) = self.domain;
        let (from, to) = self.range;
        let part = if high > low { (value - low) / (high - low) } else { 0.0 };
        from + part * (to - from)
    }

    /// Round values, about so many.
    pub fn ticks(&self, about: usize) -> Vec<f64> {
        let (low, high) = self.domain;
        let step = round_step((high - low) / about.max(1) as f64);
        if step <= 0.0 || !step.is_finite() {
            return vec![low];
        }
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        (first..=last).map(|number| number as f64 * step).collect()
    }
}

/// The least of 1, 2, 5 times a power of ten that is not below `least`.
pub fn round_step(least: f64) -> f64 {
    if least <= 0.0 || !least.is_finite() {
        return 0.0;
    }
    let power = power_of_ten(libm::floor(libm::log10(least) + 1e-9) as i32);
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// Exactly rounded, unlike a product of tenths.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(1.0)
}

/// A scale of latencies in milliseconds: logarithmic, with 0 on a line of its own below.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Exponents of the least and the greatest power of ten shown.
    decades: (i32, i32),
    has_zero: bool,
    /// Below and above; below is the greater number.
    range: (f64, f64),
}

/// How much room the line of zeros takes.
const ZERO_ROOM: f64 = 16.0;

impl Latency {
    /// A scale for values from `least` above 0 to `greatest`; if there is none above 0, for those
    /// below a millisecond.
    pub fn new(least: f64, greatest: f64, has_zero: bool, range: (f64, f64)) -> Latency {
        if greatest <= 0.0 || !least.is_finite() {
            return Latency { decades: (-1, 0), has_zero, range };
        }
        let from = libm::floor(libm::log10(least) + 1e-9) as i32;
        let to = libm::ceil(libm::log10(greatest) - 1e-9) as i32;
        Latency { decades: (from, to.max(from + 1)), has_zero, range }
    }

    /// Where a latency lies.
    pub fn place(&self, ms: f64) -> f64 {
        let (below, above) = self.range;
        if ms <= 0.0 {
            return below;
        }
        let floor = if self.has_zero { below - ZERO_ROOM } else { below };
        let (from, to) = (f64::from(self.decades.0), f64::from(self.decades.1));
        let part = (libm::log10(ms) - from) / (to - from);
        floor + part.clamp(0.0, 1.0) * (above - floor)
    }

    /// Powers of ten, and with few of them what lies between; 0 if it has a line.
    pub fn ticks(&self) -> Vec<f64> {
        let (from, to) = self.decades;
        let factors: &[f64] = match to - from {
            1 => &[1.0, 2.0, 5.0],
            2 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let mut ticks: Vec<f64> = if self.has_zero { vec![0.0] } else { Vec::new() };
        for exponent in from..to {
            ticks.extend(factors.iter().map(|factor| factor * power_of_ten(exponent)));
        }
        ticks.push(power_of_ten(to));
        ticks
    }
}

/// A number with no more digits than it needs: `0.5`, `20`.
pub fn plain(number: f64) -> String {
    let text = format!("{number:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        for (domain, about, ticks) in [
            ((0.0, 20.0), 5, "0 5 10 15 20"),
            ((0.0, 19.9), 5, "0 5 10 15"),
            ((0.0, 0.7), 4, "0 0.2 0.4 0.6"),
            ((0.0, 3.0), 10, "0 0.5 1 1.5 2 2.5 3"),
            ((12.3, 12.6), 3, "12.3 12.4 12.5 12.6"),
            ((0.0, 0.0), 5, "0"),
        ] {
            let found = Linear { domain, range: (0.0, 1.0) }.ticks(about);
            let found: Vec<String> = found.into_iter().map(plain).collect();
            assert_eq!(found.join(" "), ticks);
        }
    }

    #[test]
    fn latencies_have_decades_and_a_zero() {
        for (least, greatest, has_zero, ticks) in [
            (0.3, 40.0, true, "0 0.1 1 10 100"),
            (2.0, 9.0, false, "1 2 5 10"),
            (1.0, 100.0, false, "1 3 10 30 100"),
            (f64::INFINITY, 0.0, true, "0 0.1 0.2 0.5 1"),
        ] {
            let scale = Latency::new(least, greatest, has_zero, (100.0, 0.0));
            let found: Vec<String> = scale.ticks().into_iter().map(plain).collect();
            assert_eq!(found.join(" "), ticks);
            let places: Vec<f64> = scale.ticks().into_iter().map(|ms| scale.place(ms)).collect();
            assert!(places.windows(2).all(|pair| pair[0] > pair[1]), "{places:?}");
            assert!(
                (places[0] - 100.0).abs() < 1e-9
                    && places.last().is_some_and(|top| top.abs() < 1e-9)
            );
        }
    }
}
