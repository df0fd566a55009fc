import { createContext } from 'react';

/** Is what stands here in the row that `j` and `k` are on? Its menu then answers to the letters of decisions. */
export const CurrentRow = createContext(false);
