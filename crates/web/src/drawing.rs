//! The strokes of a pen, and the images that MNIST's would have been.

/// The width and height of an image.
pub const SIDE: usize = 28;

/// The side of the box that a digit fills, in pixels of its image.
const BOX: f32 = 20.0;
/// Half the width of the pen that drew MNIST's digits, in the same pixels.
const PEN: f32 = 1.2;

/// A point of the surface that is drawn on, in any unit: x to the right, y down.
pub type Point = [f32; 2];

/// What a pen has drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    strokes: Vec<Vec<Point>>,
}

impl Drawing {
    /// A drawing of these strokes.
    pub fn new(strokes: Vec<Vec<Point>>) -> Self {
        Self { strokes }
    }

    /// Puts the pen down.
    pub fn begin(&mut self, point: Point) {
        self.strokes.push(vec![point]);
    }

    /// Moves the pen on from where it is.
    pub fn draw_to(&mut self, point: Point) {
        if let Some(stroke) = self.strokes.last_mut() {
            stroke.push(point);
        }
    }

    /// The strokes, each the points that the pen has passed.
    pub fn strokes(&self) -> &[Vec<Point>] {
        &self.strokes
    }

    /// Whether nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.strokes.is_empty()
    }

    /// The image as MNIST's are made: the digit fills a box of 20 x 20 pixels, its proportions kept, and its centre of mass
    /// is the centre of the image. Row by row, 0 where there is paper and 1 where there is ink. None where nothing is drawn.
    pub fn to_image(&self) -> Option<Vec<f32>> {
        let points = || self.strokes.iter().flatten();
        points().next()?;
        let bound = |axis: usize, start, pick: fn(f32, f32) -> f32| points().map(|point| point[axis]).fold(start, pick);
        let low = [0, 1].map(|axis| bound(axis, f32::INFINITY, f32::min));
        let high = [0, 1].map(|axis| bound(axis, f32::NEG_INFINITY, f32::max));
        let extent = (high[0] - low[0]).max(high[1] - low[1]);
        // A dot has no extent to scale.
        let scale = if extent > 0.0 { (BOX - 2.0 * PEN) / extent } else { 1.0 };
        let middle = [0, 1].map(|axis| (low[axis] + high[axis]) / 2.0);
        let centre = SIDE as f32 / 2.0;
        let in_box = self.moved(|point| [0, 1].map(|axis| (point[axis] - middle[axis]) * scale + centre));
        let mass = centre_of_mass(&in_box.raster());
        Some(in_box.moved(|point| [0, 1].map(|axis| point[axis] + centre - mass[axis])).raster())
    }

    fn moved(&self, place: impl Fn(Point) -> Point) -> Self {
        let strokes = self.strokes.iter().map(|stroke| stroke.iter().map(|&point| place(point)).collect());
        Self { strokes: strokes.collect() }
    }

    /// The ink in each pixel of an image, whose unit is a pixel.
    fn raster(&self) -> Vec<f32> {
        let pixel = |index: usize| [(index % SIDE) as f32 + 0.5, (index / SIDE) as f32 + 0.5];
        (0..SIDE * SIDE).map(|index| (PEN + 0.5 - self.distance(pixel(index))).clamp(0.0, 1.0)).collect()
    }

    /// How far a point is from the nearest stroke.
    fn distance(&self, point: Point) -> f32 {
        let of_stroke = |stroke: &Vec<Point>| {
            let first = stroke.first().map(|&first| distance_to_line(point, [first, first]));
            let lines = stroke.windows(2).map(|ends| distance_to_line(point, [ends[0], ends[1]]));
            lines.chain(first).fold(f32::INFINITY, f32::min)
        };
        self.strokes.iter().map(of_stroke).fold(f32::INFINITY, f32::min)
    }
}

fn distance_to_line(point: Point, [from, to]: [Point; 2]) -> f32 {
    let (along, offset) = ([to[0] - from[0], to[1] - from[1]], [point[0] - from[0], point[1] - from[1]]);
    let length = along[0].mul_add(along[0], along[1] * along[1]);
    let share = if length > 0.0 { ((offset[0] * along[0] + offset[1] * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    (offset[0] - share * along[0]).hypot(offset[1] - share * along[1])
}

/// The mean place of the ink of an image that has some.
fn centre_of_mass(image: &[f32]) -> Point {
    let sum = |weight: fn(usize) -> f32| (0..).zip(image).map(|(index, ink)| weight(index) * ink).sum::<f32>();
    let total = sum(|_| 1.0);
    [sum(|index| (index % SIDE) as f32 + 0.5) / total, sum(|index| (index / SIDE) as f32 + 0.5) / total]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 7 that was drawn small, far from the middle.
    fn seven() -> Drawing {
        let mut drawing = Drawing::default();
        for (index, point) in [[300.0, 80.0], [330.0, 80.0], [315.0, 130.0]].into_iter().enumerate() {
            if index == 0 { drawing.begin(point) } else { drawing.draw_to(point) }
        }
        drawing
    }

    fn inked(image: &[f32], place: fn(usize) -> usize) -> (usize, usize) {
        let places: Vec<usize> = (0..).zip(image).filter(|(_, ink)| **ink > 0.5).map(|(index, _)| place(index)).collect();
        (*places.iter().min().unwrap(), *places.iter().max().unwrap())
    }

    #[test]
    fn the_digit_fills_the_box_and_is_centred_by_mass() {
        let image = seven().to_image().unwrap();
        let (top, bottom) = inked(&image, |index| index / SIDE);
        assert!((19..=20).contains(&(bottom - top + 1)), "rows {top} to {bottom}");
        let (left, right) = inked(&image, |index| index % SIDE);
        assert!((11..=15).contains(&(right - left + 1)), "columns {left} to {right}");
        let [x, y] = centre_of_mass(&image);
        assert!((x - 14.0).abs() < 0.1 && (y - 14.0).abs() < 0.1, "({x}, {y})");
        // The bar of a 7 makes its upper half the heavier one.
        assert!(top > 4, "rows {top} to {bottom}");
    }

    #[test]
    fn place_and_size_of_a_drawing_make_no_difference() {
        let larger = seven().moved(|[x, y]| [3.0 * x - 700.0, 3.0 * y + 20.0]);
        let (image, larger) = (seven().to_image().unwrap(), larger.to_image().unwrap());
        let difference = image.iter().zip(&larger).map(|(one, other)| (one - other).abs());
        assert!(difference.fold(0.0, f32::max) < 1e-3);
    }

    #[test]
    fn a_dot_is_a_dot_and_nothing_is_nothing() {
        let image = Drawing::new(vec![vec![[5.0, 5.0]]]).to_image().unwrap();
        let ink: f32 = image.iter().sum();
        assert!((3.0..9.0).contains(&ink), "{ink}");
        assert_eq!(Drawing::default().to_image(), None);
    }
}
