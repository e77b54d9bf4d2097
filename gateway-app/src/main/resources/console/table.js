/** Tables that keep their rows while they change, so that neither focus nor selection is lost; with filter and pages. */

import { h, replace, setText } from './dom.js';
import { count, plural } from './format.js';

/** Rows of a page; a stream of statistics can name them all. */
export const PAGE_ROWS = 50;

/**
 * A column.
 *
 * @typedef {object} Column
 * @property {string} title its heading
 * @property {boolean} [number] whether it holds numbers
 * @property {string} [sort] what rows are ordered by when it is chosen: a property of items
 */

/** A table of items, each with a row of its own. */
export class ItemTable {
  #columns;
  #row;
  #keyOf;
  #textOf;
  #rows = new Map();
  #items = [];
  #page = 0;
  #sort = null;
  #descending = false;
  #body;
  #filter;
  #told;
  #empty;
  #pager;
  #heads = [];
  #onPage;

  /**
   * @param {object} options
   * @param {string} options.caption what it lists
   * @param {Column[]} options.columns its columns
   * @param {function(object): string} options.keyOf what tells an item from others
   * @param {function(object): string} options.textOf what the filter looks at
   * @param {function(object): {cells: Node[], update: function(object): void}} options.row makes a row
   * @param {Node} options.empty what to show when there is nothing
   * @param {string} options.noun one of the items
   * @param {function(object[]): void} [options.onPage] called with the items that are shown
   */
  constructor({ caption, columns, keyOf, textOf, row, empty, noun, onPage = () => {} }) {
    this.#columns = columns;
    this.#row = row;
    this.#keyOf = keyOf;
    this.#textOf = textOf;
    this.#empty = empty;
    this.#onPage = onPage;
    this.noun = noun;
    this.#body = h('tbody', { role: 'rowgroup' });
    this.#filter = h('input', {
      type: 'search',
      placeholder: `Filter ${noun}s`,
      'aria-label': `Filter ${noun}s`,
      autocapitalize: 'none',
      spellcheck: 'false',
      oninput: () => {
        this.#page = 0;
        this.#show();
      },
    });
    this.#told = h('p', { class: 'told', role: 'status' });
    this.#pager = h('nav', { class: 'pager', 'aria-label': `Pages of ${noun}s`, hidden: true });
    this.#empty.hidden = true;
    this.table = h(
      'div',
      { class: 'card table-card' },
      h(
        'table',
        { role: 'table' },
        h('caption', { class: 'hidden-text', text: caption }),
        h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...columns.map((column) => this.#head(column)))),
        this.#body,
      ),
    );
    this.filter = h('div', { class: 'filter' }, this.#filter, this.#told);
    this.element = h('div', {}, this.table, this.#empty, this.#pager);
  }

  /** @param {object[]} items all there are */
  set(items) {
    this.#items = items;
    const keys = new Set(items.map(this.#keyOf));
    for (const [key, row] of this.#rows) {
      if (!keys.has(key)) {
        row.element.remove();
        this.#rows.delete(key);
      }
    }
    this.#show();
  }

  /** @param {string} key an item's @returns {?object} its row, if it is shown */
  row(key) {
    const row = this.#rows.get(key);
    return row?.element.isConnected ? row : null;
  }

  #head(column) {
    const attributes = { scope: 'col', role: 'columnheader', class: column.number ? 'number' : null };
    if (!column.sort) {
      return h('th', { ...attributes, text: column.title });
    }
    const head = h(
      'th',
      attributes,
      h('button', { type: 'button', class: 'sort', text: column.title, onclick: () => this.#order(column, head) }),
    );
    this.#heads.push(head);
    return head;
  }

  #order(column, head) {
    this.#descending = this.#sort === column.sort && !this.#descending;
    this.#sort = column.sort;
    this.#heads.forEach((each) => each.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', this.#descending ? 'descending' : 'ascending');
    this.#page = 0;
    this.#show();
  }

  #show() {
    const wanted = this.#filter.value.trim().toLowerCase();
    let found = wanted === '' ? this.#items : this.#items.filter((item) => this.#textOf(item).toLowerCase().includes(wanted));
    if (this.#sort !== null) {
      const way = this.#descending ? -1 : 1;
      found = [...found].sort((one, other) => way * compare(one[this.#sort], other[this.#sort]));
    }
    const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
    this.#page = Math.min(this.#page, pages - 1);
    const shown = found.slice(this.#page * PAGE_ROWS, (this.#page + 1) * PAGE_ROWS);
    const rows = shown.map((item) => this.#rowOf(item));
    const now = [...this.#body.children];
    if (now.length !== rows.length || rows.some((row, index) => row !== now[index])) {
      replace(this.#body, ...rows);
    }
    this.#empty.hidden = this.#items.length > 0;
    this.table.hidden = this.#items.length === 0;
    this.filter.hidden = this.#items.length === 0;
    setText(
      this.#told,
      wanted === ''
        ? plural(this.#items.length, this.noun)
        : `${count(found.length)} of ${plural(this.#items.length, this.noun)}`,
    );
    this.#showPager(pages, found.length);
    this.#onPage(shown);
  }

  #rowOf(item) {
    const key = this.#keyOf(item);
    let row = this.#rows.get(key);
    if (!row) {
      row = this.#row(item);
      row.element = h(
        'tr',
        { role: 'row' },
        ...row.cells.map((cell, index) => {
          const column = this.#columns[index];
          return h(
            'td',
            { role: 'cell', class: column.number ? 'number' : null, 'data-title': column.title },
            cell,
          );
        }),
      );
      this.#rows.set(key, row);
    }
    row.update(item);
    return row.element;
  }

  #showPager(pages, found) {
    const had = this.#pager.contains(document.activeElement) ? document.activeElement.textContent : null;
    this.#pager.hidden = pages === 1;
    const first = this.#page * PAGE_ROWS;
    const step = (text, by, possible) =>
      h('button', {
        type: 'button',
        text,
        disabled: !possible,
        onclick: () => {
          this.#page += by;
          this.#show();
          this.table.scrollIntoView({ block: 'start' });
        },
      });
    const back = step('Previous', -1, this.#page > 0);
    const on = step('Next', 1, this.#page < pages - 1);
    replace(
      this.#pager,
      back,
      h('span', { role: 'status', text: `${count(first + 1)} to ${count(Math.min(found, first + PAGE_ROWS))} of ${count(found)}` }),
      on,
    );
    if (had !== null) {
      const same = had === 'Next' ? on : back;
      (same.disabled ? (had === 'Next' ? back : on) : same).focus();
    }
  }
}

function compare(one, other) {
  if (one === undefined || other === undefined) {
    return (one === undefined ? 1 : 0) - (other === undefined ? 1 : 0);
  }
  return typeof one === 'number' ? one - other : String(one).localeCompare(String(other));
}
