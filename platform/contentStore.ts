import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Texts under their SHA-256: gateway answers worth keeping (money.md 7.2). */
export interface ContentStore {
  save(text: string): Promise<string>;
  /** Undefined when there is none; throws when the bytes are not those of the hash. */
  load(sha256: string): Promise<string | undefined>;
}

export function createContentStore(folder: string): ContentStore {
  const hash = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
  return {
    async save(text) {
      const name = hash(text);
      await mkdir(folder, { recursive: true });
      const draft = join(folder, `.${name}.${randomUUID()}`);
      const file = await open(draft, 'wx');
      try {
        await file.writeFile(text, 'utf8');
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, join(folder, name)); // whole or not at all
      return name;
    },
    async load(sha256) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
      let text: string;
      try {
        text = await readFile(join(folder, sha256), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      if (hash(text) !== sha256) throw new Error('a stored answer is not what it was');
      return text;
    },
  };
}
