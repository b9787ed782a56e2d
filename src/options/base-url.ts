/** The schema of a `baseURL`. */
import { z } from 'zod';

export const url = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\/[^/?#]/i.test(text), {
    error: 'expected a full http or https URL',
  })
  .refine((text) => !/[?#\s\p{Cc}]/u.test(text), { error: 'must not have a query, a fragment or white space' });
