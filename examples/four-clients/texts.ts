/** The shop's calls for texts, with the SDK of OpenAI, which reads OPENAI_BASE_URL. */
import OpenAI from 'openai';

const openai = new OpenAI({ apiKey: 'not-a-real-key', maxRetries: 0 });

export async function modelOf(name: string): Promise<void> {
  await openai.models.retrieve(name);
}
