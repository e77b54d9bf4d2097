/** Small line charts, drawn as SVG. The numbers they show stand beside them as text. */

import { h, s, setText } from './dom.js';
import { LENGTH } from './history.js';

const WIDTH = 120;
const HEIGHT = 28;
const CHART_WIDTH = 600;
const CHART_HEIGHT = 140;

/** A sparkline: the last minute without axes. It is decoration; the newest value is beside it. */
export class Sparkline {
  #area;
  #line;

  constructor() {
    this.#area = s('path', { class: 'spark-area' });
    this.#line = s('path', { class: 'spark-line' });
    this.element = s(
      'svg',
      {
        class: 'spark',
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: 'none',
        'aria-hidden': 'true',
        focusable: 'false',
      },
      this.#area,
      this.#line,
    );
  }

  /** @param {(number|null)[]} values oldest first */
  draw(values) {
    const recent = values.slice(-60);
    const top = Math.max(1e-9, ...recent.map((value) => value ?? 0));
    const step = WIDTH / 59;
    const first = WIDTH - (recent.length - 1) * step;
    const points = recent.map((value, index) => [first + index * step, HEIGHT - 1.5 - ((value ?? 0) / top) * (HEIGHT - 4)]);
    const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
    this.#line.setAttribute('d', path);
    this.#area.setAttribute(
      'd',
      points.length < 2 ? '' : `${path}L${WIDTH} ${HEIGHT}L${points[0][0].toFixed(1)} ${HEIGHT}Z`,
    );
  }
}

/** A chart of one or two lines over the last two minutes, with its scale and a sentence for those who don't see it. */
export class Chart {
  #lines;
  #top;
  #format;
  #picture;
  #names;
  #now;
  #base;
  #drawn = 0;

  /**
   * @param {string} title what it shows
   * @param {string[]} names of its lines
   * @param {function(?number): string} format writes a value
   * @param {10|2} [base] what its scale grows by: 2 where units do, too
   */
  constructor(title, names, format, base = 10) {
    this.#base = base;
    this.#format = format;
    this.#names = names;
    this.#lines = names.map((name, index) => s('path', { class: `chart-line line-${index}` }));
    this.#now = names.map(() => h('span', { class: 'chart-now', text: '–' }));
    this.#top = h('span', { class: 'chart-top' });
    const grid = [0.25, 0.5, 0.75].map((share) =>
      s('line', { class: 'chart-grid', x1: 0, x2: CHART_WIDTH, y1: CHART_HEIGHT * share, y2: CHART_HEIGHT * share }),
    );
    this.#picture = s(
      'svg',
      {
        class: 'chart-picture',
        viewBox: `0 0 ${CHART_WIDTH} ${CHART_HEIGHT}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `${title}: no data yet`,
      },
      ...grid,
      ...this.#lines,
    );
    this.title = title;
    this.element = h(
      'figure',
      { class: 'card chart' },
      h(
        'figcaption',
        {},
        h('span', { class: 'chart-title', text: title }),
        ...names.map((name, index) =>
          h(
            'span',
            { class: 'legend' },
            h('i', { class: `swatch line-${index}`, 'aria-hidden': 'true' }),
            name === '' ? null : `${name} `,
            this.#now[index],
          ),
        ),
      ),
      h('div', { class: 'chart-frame' }, this.#top, this.#picture),
      h('div', { class: 'chart-axis', 'aria-hidden': 'true' }, h('span', { text: '2 min ago' }), h('span', { text: 'now' })),
    );
  }

  /** @param {...(number|null)[]} series one for each line, oldest first */
  draw(...series) {
    const top = niceTop(Math.max(0, ...series.flat().map((value) => value ?? 0)), this.#base);
    const step = CHART_WIDTH / (LENGTH - 1);
    series.forEach((values, index) => {
      const first = CHART_WIDTH - (values.length - 1) * step;
      let path = '';
      let pen = false;
      values.forEach((value, at) => {
        if (value === null) {
          pen = false;
          return;
        }
        const x = first + at * step;
        const y = CHART_HEIGHT - 1 - (value / top) * (CHART_HEIGHT - 3);
        path += `${pen ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
        pen = true;
      });
      this.#lines[index].setAttribute('d', path);
      setText(this.#now[index], this.#format(values.at(-1)));
    });
    setText(this.#top, this.#format(top));
    if (this.#drawn++ % 5 === 0) {
      this.#describe(series);
    }
  }

  /** Seldom: a reader that follows it would never come to the end. */
  #describe(series) {
    const sentences = series.map((values, index) => {
      const known = values.filter((value) => value !== null);
      const name = this.#names[index] === '' ? '' : `${this.#names[index]}: `;
      return known.length === 0
        ? `${name}nothing`
        : `${name}now ${this.#format(values.at(-1))}, between ${this.#format(Math.min(...known))} and ` +
            `${this.#format(Math.max(...known))} in the last ${values.length} seconds`;
    });
    this.#picture.setAttribute('aria-label', `${this.title}. ${sentences.join('; ')}.`);
  }
}

/** The next round number that is not below a value: a scale that does not jump with every sample. */
function niceTop(value, base) {
  if (value <= 1) {
    return 1;
  }
  if (base === 2) {
    return 2 ** Math.ceil(Math.log2(value));
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}
