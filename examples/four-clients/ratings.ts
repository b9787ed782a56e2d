/** The shop's calls for ratings, with fetch. */
const base = process.env.RATINGS_URL ?? 'http://ratings.internal';

export async function ratingOf(article: string): Promise<void> {
  const response = await fetch(`${base}/ratings/${article}`);
  if (!response.ok) throw new Error(`ratings: ${response.status}`);
  await response.json();
}
