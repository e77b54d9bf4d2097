/** Making, copying, changing and removing volumes. */

import * as api from './api.js';
import { openForm } from './dialogs.js';
import { h } from './dom.js';
import { bytes, count, plural } from './format.js';

const NAME_HINT = 'Lower case letters, digits, “.”, “_” and “-”, up to 63; the first a letter or a digit.';
const LABELS_HINT = 'One in a line, key=value.';

/** @returns {string} a volume's path in the API */
export function pathOf(name) {
  return `/volumes/${encodeURIComponent(name)}`;
}

/**
 * Asks for a new volume.
 *
 * @param {function(string): void} made called with its name
 */
export async function createVolume(made) {
  let name = '';
  const done = await openForm({
    title: 'New volume',
    fields: fieldsOfNew({
      size: { hint: 'Such as 10GiB or 500MB. It is sparse: it takes what is written.', required: true },
      backend: 'file',
      directIo: false,
    }),
    submit: 'Create volume',
    onSubmit: async (values) => {
      const body = bodyOfNew(values);
      await api.post('/volumes', body);
      name = body.name;
      return `Volume ${body.name} is made.`;
    },
  });
  if (done) {
    made(name);
  }
}

/**
 * Asks what a copy of a volume is to be, and begins it.
 *
 * @param {object} volume what is copied, as the API shows it
 * @param {function(object): void} begun called with the operation
 */
export async function copyVolume(volume, begun) {
  let operation = null;
  await openForm({
    title: `Copy ${volume.name}`,
    intro: [
      h('p', {
        text: `The copy is seen when it is whole. If ${volume.name} is written before that, nothing comes of it: stop what writes to it.`,
      }),
    ],
    fields: fieldsOfNew({
      size: { hint: `Empty for the ${bytes(volume.size)} of ${volume.name}; if it is larger, zeros follow.` },
      backend: volume.backend,
      directIo: volume.directIo,
    }),
    submit: 'Copy volume',
    onSubmit: async (values) => {
      operation = await api.post('/volumes', { ...bodyOfNew(values), copyOf: volume.name });
      return `Copying ${volume.name} to ${operation.volume} has begun.`;
    },
  });
  if (operation) {
    begun(operation);
  }
}

function fieldsOfNew({ size, backend, directIo }) {
  return [
    { name: 'name', label: 'Name', hint: NAME_HINT, required: true },
    { name: 'size', label: 'Size', ...size },
    {
      name: 'backend',
      label: 'Kept in',
      type: 'select',
      value: backend,
      options: [
        ['file', 'a file in the pool'],
        ['memory', 'memory: zeros after every start'],
      ],
    },
    { name: 'description', label: 'Description' },
    { name: 'labels', label: 'Labels', type: 'textarea', hint: LABELS_HINT, check: labelsProblem },
    { name: 'readOnly', label: 'Read-only', type: 'checkbox' },
    {
      name: 'directIo',
      label: 'Direct I/O',
      type: 'checkbox',
      value: directIo,
      hint: 'Past the page cache (O_DIRECT).',
      shown: (values) => values.backend === 'file',
    },
  ];
}

function bodyOfNew(values) {
  const body = {
    name: values.name.trim(),
    backend: values.backend,
    readOnly: values.readOnly,
    description: values.description,
  };
  if (values.size.trim() !== '') {
    body.size = values.size.trim();
  }
  if (values.backend === 'file') {
    body.directIo = values.directIo;
  }
  const labels = parseLabels(values.labels);
  if (Object.keys(labels).length > 0) {
    body.labels = labels;
  }
  return body;
}

/**
 * Asks for a larger size.
 *
 * @param {object} volume as the API shows it
 * @returns {Promise<boolean>} whether it has grown
 */
export function growVolume(volume) {
  return openForm({
    title: `Grow ${volume.name}`,
    intro: [h('p', { text: `It has ${bytes(volume.size)} (${count(volume.size)} bytes). Volumes do not shrink.` })],
    fields: [{ name: 'size', label: 'New size', hint: 'Such as 20GiB. Sessions that run keep the size they have.', required: true }],
    submit: 'Grow',
    onSubmit: async (values) => {
      const grown = await api.patch(pathOf(volume.name), { size: values.size.trim() }, api.etagOf(volume));
      return `Volume ${volume.name} has ${bytes(grown.size)}.`;
    },
  });
}

/**
 * Asks for another description, labels, and whether it is read-only.
 *
 * @param {object} volume as the API shows it
 * @returns {Promise<boolean>} whether it has changed
 */
export function editVolume(volume) {
  return openForm({
    title: `Edit ${volume.name}`,
    fields: [
      { name: 'description', label: 'Description', value: volume.description },
      {
        name: 'labels',
        label: 'Labels',
        type: 'textarea',
        hint: LABELS_HINT,
        value: writeLabels(volume.labels),
        check: labelsProblem,
      },
      {
        name: 'readOnly',
        label: 'Read-only',
        type: 'checkbox',
        value: volume.readOnly,
        hint: 'For new sessions; running ones keep the rights they have.',
      },
    ],
    submit: 'Save',
    onSubmit: async (values) => {
      const body = { description: values.description, readOnly: values.readOnly };
      const labels = labelChanges(volume.labels ?? {}, parseLabels(values.labels));
      if (Object.keys(labels).length > 0) {
        body.labels = labels;
      }
      await api.patch(pathOf(volume.name), body, api.etagOf(volume));
      return `Volume ${volume.name} is changed.`;
    },
  });
}

/**
 * Asks whether a failed volume is to be opened anew.
 *
 * @param {object} volume as the API shows it
 * @returns {Promise<boolean>} whether it is open
 */
export function reopenVolume(volume) {
  return openForm({
    title: `Reopen ${volume.name}`,
    intro: [
      h('p', {
        text: `Of ${volume.name}, data that was acknowledged may be missing. Repair the storage, and check or restore the data, before flushes succeed again.`,
      }),
      h('p', { text: 'No session and no block device may have it.' }),
    ],
    fields: [],
    submit: 'Reopen volume',
    onSubmit: async () => {
      await api.post(`${pathOf(volume.name)}/reopen`);
      return `Volume ${volume.name} is open again.`;
    },
  });
}

/**
 * Asks, with its name typed, whether a volume is to be removed with its data.
 *
 * @param {object} volume as the API shows it
 * @returns {Promise<boolean>} whether it is gone
 */
export function deleteVolume(volume) {
  const fields = [
    {
      name: 'confirmation',
      label: `Type ${volume.name} to confirm`,
      check: (value) => (value.trim() === volume.name ? null : `type exactly: ${volume.name}`),
    },
  ];
  const damaged = volume.state === 'damaged';
  if (volume.sessions > 0 || damaged) {
    fields.push({
      name: 'force',
      label: damaged ? 'Remove it although it is damaged' : `End its ${plural(volume.sessions, 'session')} first`,
      type: 'checkbox',
    });
  }
  return openForm({
    title: `Delete ${volume.name}`,
    intro: [
      h(
        'p',
        {},
        'The volume and ',
        h('strong', { text: volume.allocatedBytes ? `${bytes(volume.allocatedBytes)} of data` : 'all its data' }),
        ' are removed at once. There is no way back.',
      ),
    ],
    fields,
    submit: 'Delete volume',
    dangerous: true,
    onSubmit: async (values) => {
      await api.remove(pathOf(volume.name) + (values.force ? '?force=true' : ''), api.etagOf(volume));
      return `Volume ${volume.name} is deleted.`;
    },
  });
}

/** @returns {boolean} whether it was ended */
export function endSession(session) {
  return openForm({
    title: `End session ${session.id}`,
    intro: [
      h('p', { text: `The connection of ${session.peer} to ${session.volume} is cut. What is in flight is carried out, and not answered.` }),
    ],
    fields: [],
    submit: 'End session',
    dangerous: true,
    onSubmit: async () => {
      await api.remove(`/sessions/${session.id}`);
      return `Session ${session.id} is ending.`;
    },
  });
}

/** @param {Object<string, string>} [labels] @returns {string} one in a line */
function writeLabels(labels = {}) {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}

function lines(text) {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function labelsProblem(text) {
  const wrong = lines(text).find((line) => line.indexOf('=') < 1);
  return wrong === undefined ? null : `“${wrong}” is not key=value`;
}

function parseLabels(text) {
  return Object.fromEntries(
    lines(text).map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
    }),
  );
}

/** What turns the labels that are there into those that are wanted: null removes one. */
function labelChanges(before, wanted) {
  const changes = {};
  for (const [key, value] of Object.entries(wanted)) {
    if (before[key] !== value) {
      changes[key] = value;
    }
  }
  for (const key of Object.keys(before)) {
    if (!(key in wanted)) {
      changes[key] = null;
    }
  }
  return changes;
}
