//! Where nodes and links stand on the map: around the origin, 400 wide, as high as need be.

use std::f64::consts::TAU;

/// Half the width of the map.
const HALF: f64 = 200.0;
/// Radius of the ring the nodes stand on, of few and of many.
const RING: [f64; 2] = [138.0, 148.0];
/// Radius of a node: of few, and of so many that their labels would touch the next.
const NODE: [f64; 2] = [25.0, 20.0];
const MANY: usize = 7;
/// Between a node's rim and the end of a link.
const GAP: f64 = 6.0;
/// Lines of a label, and from one to the next.
const LINES: f64 = 3.0;
const LINE: f64 = 15.0;
/// Between a node's rim and where its label's first line stands, below it; and its last, above it.
const BELOW: f64 = 18.0;
const ABOVE: f64 = 9.0;
/// Room for a label above or below a node.
const LABEL: f64 = 14.0 + LINES * LINE;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

fn of(sizes: [f64; 2], count: usize) -> f64 {
    sizes[usize::from(count >= MANY)]
}

/// Radius of one of `count` nodes.
pub fn node_radius(count: usize) -> f64 {
    of(NODE, count)
}

/// How much smaller one of `count` nodes is than one of few.
pub fn scale(count: usize) -> f64 {
    node_radius(count) / NODE[0]
}

/// The place of node `i` of `count`. One stands in the middle, two side by side, more clockwise
/// from the top.
pub fn place(i: usize, count: usize) -> Point {
    let (radius, start) = match count {
        0 | 1 => (0.0, 0.0),
        2 => (of(RING, count), -0.5),
        _ => (of(RING, count), -0.25),
    };
    let angle = TAU * (start + i as f64 / count.max(1) as f64);
    Point {
        x: radius * angle.cos(),
        y: radius * angle.sin(),
    }
}

/// Where the lines of the label stand of one of `count` nodes: above it or below it, away from the
/// links.
pub fn label(at: Point, count: usize) -> [f64; LINES as usize] {
    let above = at.y < -RING[0] / 2.0;
    let first = match above {
        true => -node_radius(count) - ABOVE - (LINES - 1.0) * LINE,
        false => node_radius(count) + BELOW,
    };
    std::array::from_fn(|i| first + i as f64 * LINE)
}

/// The part of the plane that the map shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    top: f64,
    height: f64,
}

impl Frame {
    pub fn around(count: usize) -> Self {
        let ys = (0..count).map(|i| place(i, count).y);
        let (top, bottom) = ys.fold((0.0_f64, 0.0_f64), |(t, b), y| (t.min(y), b.max(y)));
        let margin = node_radius(count) + LABEL;
        Self {
            top: top - margin,
            height: bottom - top + 2.0 * margin,
        }
    }

    /// As the SVG attribute.
    pub fn view_box(&self) -> String {
        format!(
            "{:.1} {:.1} {:.1} {:.1}",
            -HALF,
            self.top,
            2.0 * HALF,
            self.height
        )
    }

    /// A point as parts of the frame's width and height, in percent.
    pub fn percent(&self, at: Point) -> (f64, f64) {
        (
            (at.x + HALF) / (2.0 * HALF) * 100.0,
            (at.y - self.top) / self.height * 100.0,
        )
    }

    /// A length as a part of the frame's width, in percent.
    pub fn width_percent(&self, length: f64) -> f64 {
        length / (2.0 * HALF) * 100.0
    }
}

/// A link between two nodes, from rim to rim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    pub a: u64,
    pub b: u64,
    pub from: Point,
    pub to: Point,
}

impl Link {
    /// The ids of its ends.
    pub fn pair(&self) -> (u64, u64) {
        (self.a, self.b)
    }

    /// A point between both ends: 0 is `from`, 1 is `to`.
    pub fn at(&self, part: f64) -> Point {
        Point {
            x: self.from.x + (self.to.x - self.from.x) * part,
            y: self.from.y + (self.to.y - self.from.y) * part,
        }
    }

    pub fn length(&self) -> f64 {
        (self.to.x - self.from.x).hypot(self.to.y - self.from.y)
    }

    pub fn degrees(&self) -> f64 {
        (self.to.y - self.from.y)
            .atan2(self.to.x - self.from.x)
            .to_degrees()
    }

    /// Where its mark stands: in the middle, or aside where diameters would cross.
    pub fn mark(&self) -> f64 {
        let middle = self.at(0.5);
        if middle.x.hypot(middle.y) < 1.0 && self.length() > RING[0] {
            0.36
        } else {
            0.5
        }
    }
}

/// Every pair of nodes; `ids` ascending.
pub fn links(ids: &[u64]) -> Vec<Link> {
    let mut links = Vec::new();
    for (i, &a) in ids.iter().enumerate() {
        for (j, &b) in ids.iter().enumerate().skip(i + 1) {
            let whole = Link {
                a,
                b,
                from: place(i, ids.len()),
                to: place(j, ids.len()),
            };
            let trim = (node_radius(ids.len()) + GAP) / whole.length();
            links.push(Link {
                from: whole.at(trim),
                to: whole.at(1.0 - trim),
                ..whole
            });
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_pair_has_a_link_inside_the_frame() {
        for count in 1..=9_u64 {
            let ids: Vec<u64> = (1..=count).collect();
            let links = links(&ids);
            assert_eq!(links.len() as u64, count * (count - 1) / 2);
            let frame = Frame::around(count as usize);
            for link in links {
                assert!(link.length() > 20.0, "{link:?}");
                for point in [link.from, link.to] {
                    let (x, y) = frame.percent(point);
                    assert!(x > 0.0 && x < 100.0 && y > 0.0 && y < 100.0, "{link:?}");
                }
            }
        }
    }

    #[test]
    fn every_label_is_inside_the_frame() {
        for count in 1..=9 {
            let frame = Frame::around(count);
            for at in (0..count).map(|i| place(i, count)) {
                let [first, .., last] = label(at, count);
                // A line stands on its height; letters such as g reach below it.
                for y in [first - 11.0, last + 4.0] {
                    let (_, y) = frame.percent(Point {
                        x: at.x,
                        y: at.y + y,
                    });
                    assert!((0.0..=100.0).contains(&y), "{count} nodes, {at:?}");
                }
            }
        }
    }
}
