/** Sections that are off by default, whose schemas most processes never need. */
import type { z } from 'zod';

/**
 * An optional section whose schema is built where the section is given. zod would build it also where it is not, to see
 * whether it has a default: half of the 950 schemas of a configuration, and a third of the time of the first client.
 */
export function unbuilt<Schema extends z.ZodType>(section: z.ZodLazy<Schema>): z.ZodOptional<z.ZodLazy<Schema>> {
  Object.defineProperty(section._zod, 'optin', { value: undefined });
  return section.optional();
}
