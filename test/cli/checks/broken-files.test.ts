import { describe, expect, it } from 'vitest';
import { checkText } from '../../../src/cli/checks/configuration.js';
import { broken, env } from './cases.js';
import { spelledOut } from './texts.js';

describe.each(Object.entries(broken))('%s: a file with', (_, cases) => {
  for (const { with: what, text, faults } of cases)
    it(what, () => {
      expect(spelledOut(checkText(text, 'clients.yaml', { env }).errors)).toEqual(faults);
    });
});
