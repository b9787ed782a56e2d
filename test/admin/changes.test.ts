/** The changes of a client that are kept. */
import { describe, expect, it } from 'vitest';
import { Changes } from '../../src/admin/changes.js';

describe('the changes of a client', () => {
  it('keep a configuration in sight while a circuit opens again and again', () => {
    const changes = new Changes();
    changes.add({ level: 'info', event: 'config.updated', client: 'a', message: 'configuration updated' });
    for (let times = 0; times < 200; times++)
      changes.add({ level: 'warn', event: 'circuit.reopened', client: 'a', message: `opened again ${times}` });
    const shown = changes.shown();
    expect(shown).toHaveLength(50);
    expect(shown[0]?.message).toBe('opened again 199');
    expect(shown.at(-1)?.message).toBe('configuration updated');
  });
});
