/** Attaching and detaching block devices. */

import * as api from './api.js';
import { openForm } from './dialogs.js';
import { h } from './dom.js';

/**
 * Asks what is to be attached as a block device.
 *
 * @param {string[]} volumes names to choose from
 * @param {string} [chosen] the one to begin with
 * @returns {Promise<boolean>} whether it is attached
 */
export function attach(volumes, chosen) {
  const ofSource = (values) => values.kind === 'source';
  return openForm({
    title: 'Attach as a block device',
    fields: [
      {
        name: 'kind',
        label: 'What',
        type: 'select',
        value: 'volume',
        options: [
          ['volume', 'a volume of this gateway'],
          ['source', 'another server’s export'],
        ],
      },
      {
        name: 'volume',
        label: 'Volume',
        type: 'select',
        value: chosen,
        options: volumes.map((name) => [name, name]),
        shown: (values) => !ofSource(values),
      },
      {
        name: 'source',
        label: 'Export',
        hint: 'nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH',
        required: true,
        shown: ofSource,
      },
      { name: 'connections', label: 'Connections', type: 'number', value: '1', hint: '1 to 64', check: wholeNumber, shown: ofSource },
      {
        name: 'timeoutSeconds',
        label: 'Timeout',
        type: 'number',
        hint: 'Seconds that requests wait for a server that is gone; empty for 30.',
        check: wholeNumber,
        shown: ofSource,
      },
      { name: 'readOnly', label: 'Read-only', type: 'checkbox' },
      {
        name: 'mechanism',
        label: 'Mechanism',
        type: 'select',
        value: 'auto',
        options: [
          ['auto', 'the best that works here'],
          ['auto-registration', 'auto-registration'],
          ['registration', 'registration'],
          ['user-copy', 'user-copy'],
        ],
      },
      { name: 'queues', label: 'Queues', type: 'number', hint: 'Empty for one for each core loop.', check: wholeNumber },
      { name: 'depth', label: 'Depth', type: 'number', hint: 'Requests of a queue at once; empty for 128.', check: wholeNumber },
    ],
    submit: 'Attach',
    onSubmit: async (values) => {
      const body = { readOnly: values.readOnly, mechanism: values.mechanism };
      if (ofSource(values)) {
        body.source = values.source.trim();
        for (const name of ['connections', 'timeoutSeconds']) {
          if (values[name] !== '') {
            body[name] = Number(values[name]);
          }
        }
      } else {
        body.volume = values.volume;
      }
      for (const name of ['queues', 'depth']) {
        if (values[name] !== '') {
          body[name] = Number(values[name]);
        }
      }
      const made = await api.post('/attachments', body);
      return `${made.volume ?? made.source} is ${made.device}.`;
    },
  });
}

/**
 * Asks whether an attachment is to be removed.
 *
 * @param {object} attachment as the API shows it
 * @returns {Promise<boolean>} whether it is gone
 */
export async function detach(attachment) {
  const path = `/attachments/${encodeURIComponent(attachment.id)}`;
  const { etag } = await api.getWithEtag(path);
  return openForm({
    title: `Detach ${attachment.device}`,
    intro: [h('p', { text: `${attachment.volume ?? attachment.source ?? 'An orphaned device'} stays; the device goes.` })],
    fields: [
      {
        name: 'force',
        label: 'Although something uses it',
        type: 'checkbox',
        hint: 'What is mounted there then sees errors.',
      },
    ],
    submit: 'Detach',
    dangerous: true,
    onSubmit: async (values) => {
      await api.remove(path + (values.force ? '?force=true' : ''), etag ?? '*');
      return `${attachment.device} is detached.`;
    },
  });
}

function wholeNumber(value) {
  return value.trim() === '' || /^\d{1,9}$/.test(value.trim()) ? null : 'must be a whole number';
}
