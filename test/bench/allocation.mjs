/**
 * Bytes allocated on the JavaScript heap, whatever the collector does meanwhile.
 *
 * The growth of `heapUsed` is off as soon as one scavenge falls between its two readings, and a young generation large enough
 * to have none is not what services run with. V8's GC profiler tells the sizes before and after each collection: what grew
 * from the end of one to the beginning of the next was allocated. Only the young spaces are counted: everything but code and
 * a few pretenured objects begins there, while the old space shrinks in the background and grows by what is promoted.
 * The memory of buffers is not on this heap.
 */
import v8 from 'node:v8';

const isYoung = (name) => name === 'new_space' || name === 'new_large_object_space';

const young = (spaces, name, size) =>
  spaces.filter((space) => isYoung(space[name])).reduce((sum, space) => sum + space[size], 0);
const youngNow = () => young(v8.getHeapSpaceStatistics(), 'space_name', 'space_used_size');
const youngThen = ({ heapSpaceStatistics }) => young(heapSpaceStatistics, 'spaceName', 'spaceUsedSize');

/** Runs `work`; resolves to the bytes it allocated. */
export async function allocatedBy(work) {
  const profiler = new v8.GCProfiler();
  profiler.start();
  let last = youngNow();
  await work();
  const end = youngNow();
  let allocated = 0;
  for (const { beforeGC, afterGC } of profiler.stop().statistics) {
    allocated += youngThen(beforeGC) - last;
    last = youngThen(afterGC);
  }
  return allocated + end - last;
}
