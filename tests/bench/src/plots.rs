//! The curves of a run as SVG, drawn from the points in its results.

use std::path::Path;

use anyhow::anyhow;
use plotters::{coord::Shift, prelude::*};
use serde_json::Value;

const SIZE: (u32, u32) = (760, 420);
const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 90, 166), RGBColor(200, 90, 20), RGBColor(30, 130, 76), RGBColor(120, 60, 150)];

type Points = Vec<(f64, f64)>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One plot: what lies along its axes, and its lines.
struct Plot<'a> {
    file: &'a str,
    title: &'a str,
    x: &'a str,
    y: &'a str,
    log_x: bool,
    log_y: bool,
    lines: Vec<(&'a str, Points)>,
}

/// Draws what the results hold into the folder.
pub(crate) fn draw(results: &Value, folder: &Path) -> anyhow::Result<()> {
    let at = |series: &str, x: &str, y: &str| points(&results["series"][series], x, y);
    let rate = "certified calls a second";
    let latency = |name| at("latency_by_load", "/offered_per_s", name);
    let plots = [
        Plot {
            file: "latency.svg",
            title: "Latency against load: four nodes, open loop, from the scheduled time",
            x: "calls offered a second",
            y: "ms until certified",
            log_x: false,
            log_y: true,
            lines: vec![
                ("p50", latency("/latency_ms/p50")),
                ("p99", latency("/latency_ms/p99")),
                ("p99.9", latency("/latency_ms/p99_9")),
                ("max", latency("/latency_ms/max")),
            ],
        },
        Plot {
            file: "members.svg",
            title: "Throughput against members",
            x: "members, a node each",
            y: rate,
            log_x: true,
            log_y: false,
            lines: vec![(rate, at("throughput_by_members", "/members", "/certified_per_s"))],
        },
        Plot {
            file: "weight.svg",
            title: "Throughput against a call's weight",
            x: "rounds of a call's loop",
            y: rate,
            log_x: true,
            log_y: true,
            lines: vec![(rate, at("throughput_by_weight", "/rounds", "/certified_per_s"))],
        },
        Plot {
            file: "state.svg",
            title: "Throughput against the state: calls that change one resource by chance",
            x: "resources",
            y: rate,
            log_x: true,
            log_y: false,
            lines: vec![(rate, at("throughput_by_state", "/resources", "/certified_per_s"))],
        },
    ];
    for plot in plots.into_iter().filter(|plot| plot.lines.iter().any(|(_, line)| line.len() > 1)) {
        plot.draw(folder)?;
    }
    stages(&results["series"]["profile"], &folder.join("stages.svg"))
}

fn points(series: &Value, x: &str, y: &str) -> Points {
    let points = series.as_array().into_iter().flatten();
    points.filter_map(|it| Some((it.pointer(x)?.as_f64()?, it.pointer(y)?.as_f64()?))).collect()
}

impl Plot<'_> {
    fn draw(self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(self.file);
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        self.curves(&area).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        Ok(area.present()?)
    }

    /// Logarithms are taken here, and undone in the labels, so that all axes are of one kind.
    fn curves(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let scaled = |value: f64, log: bool| if log { value.max(1.0).log10() } else { value };
        let label = |value: f64, log: bool| number(if log { 10f64.powf(value) } else { value });
        let all = self.lines.iter().flat_map(|(_, line)| line);
        let (mut right, mut top, mut left) = (0.0f64, 0.0f64, f64::MAX);
        for (x, y) in all {
            (left, right) = (left.min(scaled(*x, self.log_x)), right.max(scaled(*x, self.log_x)));
            top = top.max(scaled(*y, self.log_y));
        }
        let left = if self.log_x { left } else { 0.0 };
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, ("sans-serif", 17))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(left..right * 1.02, 0.0..top * 1.08)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| label(*x, self.log_x))
            .y_label_formatter(&|y| label(*y, self.log_y))
            .label_style(("sans-serif", 13))
            .max_light_lines(1)
            .draw()?;
        for ((name, line), colour) in self.lines.iter().zip(COLOURS) {
            let at = |(x, y): &(f64, f64)| (scaled(*x, self.log_x), scaled(*y, self.log_y));
            let line: Points = line.iter().map(at).collect();
            chart.draw_series(line.iter().map(|at| Circle::new(*at, 3, colour.filled())))?;
            chart
                .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
        }
        if self.lines.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE)
                .label_font(("sans-serif", 13))
                .draw()?;
        }
        Ok(())
    }
}

/// The nodes' CPU a call as bars, the longest first.
fn stages(series: &Value, path: &Path) -> anyhow::Result<()> {
    let Some(found) = series.get(0) else { return Ok(()) };
    let calls = found["calls"].as_f64().unwrap_or(1.0);
    let stages = found["profile"]["stages"].as_object().into_iter().flatten();
    let each = |seconds: &Value| seconds.as_f64().unwrap_or_default() * 1e6 / calls;
    let mut bars: Vec<(String, f64)> =
        stages.map(|(name, seconds)| (name.clone(), each(seconds))).collect();
    bars.sort_by(|one, other| other.1.total_cmp(&one.1));
    let longest = bars.first().map_or(1.0, |bar| bar.1);
    let area = SVGBackend::new(path, (SIZE.0, 60 + 26 * bars.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let style = |size: i32| ("sans-serif", size).into_font();
    let title = "CPU of four nodes a certified call, microseconds by stage";
    area.draw(&Text::new(title, (20, 14), style(17)))?;
    for (row, (name, us)) in (0..).zip(&bars) {
        let (y, end) = (48 + 26 * row, 120 + (us / longest * 520.0) as i32);
        area.draw(&Rectangle::new([(120, y), (end, y + 18)], COLOURS[0].filled()))?;
        area.draw(&Text::new(name.clone(), (20, y + 3), style(13)))?;
        area.draw(&Text::new(number(*us), (end + 8, y + 3), style(13)))?;
    }
    Ok(area.present()?)
}

/// Short, for an axis.
fn number(value: f64) -> String {
    match value {
        value if value >= 999_500.0 => format!("{:.1}M", value / 1e6),
        value if value >= 9_950.0 => format!("{:.0}k", value / 1e3),
        value if value >= 995.0 => format!("{:.1}k", value / 1e3),
        value if value >= 9.95 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}
