import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Queue, type QueuePlace } from '../../src/call/queue.js';

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant({ do: 'add' } as const) },
    { weight: 2, arbitrary: fc.constantFrom({ do: 'shift' } as const, { do: 'pop' } as const) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'moveToEnd' as const), which: fc.nat() }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'takeAll' } as const) },
  ),
  { maxLength: 200 },
);

it('does the same as an array, whatever is added, taken from both ends and removed or moved from between, in any order', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const queue = new Queue<number>();
      const places: QueuePlace<number>[] = [];
      let model: number[] = [];
      for (const step of all) {
        if (step.do === 'add') {
          model.push(places.length);
          places.push(queue.add(places.length));
        } else if (step.do === 'remove') {
          // Any place that there ever was, so that most are removed a second time.
          const place = places[step.which % Math.max(1, places.length)];
          if (place === undefined) continue;
          expect(queue.remove(place)).toBe(model.includes(place.item));
          model = model.filter((item) => item !== place.item);
        } else if (step.do === 'moveToEnd') {
          const item = model[step.which % Math.max(1, model.length)];
          if (item === undefined) continue;
          queue.moveToEnd(places[item] as QueuePlace<number>);
          model = [...model.filter((each) => each !== item), item];
        } else if (step.do === 'takeAll') {
          expect(queue.takeAll()).toEqual(model);
          model = [];
        } else expect(queue[step.do]()).toBe(model[step.do]());
        expect([queue.size, queue.first, ...queue.items()]).toEqual([model.length, model[0], ...model]);
      }
      expect(queue.takeAll()).toEqual(model);
    }),
  );
});

it('holds no item that has left it, however long the others stay', () => {
  const queue = new Queue<object>();
  queue.add({});
  const left = Array.from({ length: 1000 }, () => queue.add({}));
  for (const place of left) queue.remove(place);
  for (const place of left) expect([place.before, place.after]).toEqual([place, place]);
  expect(queue.size).toBe(1);
});
