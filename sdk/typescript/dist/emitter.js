/** Listeners of one kind of event. */
export class Emitter {
    #listeners = new Set();
    /** Adds a listener; the answer takes it away again. */
    on(listener) {
        const own = (event) => listener(event);
        this.#listeners.add(own);
        return () => void this.#listeners.delete(own);
    }
    get size() {
        return this.#listeners.size;
    }
    /** Tells every listener. One that throws does not keep the others from it, nor the caller. */
    emit(event) {
        for (const listener of [...this.#listeners]) {
            try {
                listener(event);
            }
            catch (error) {
                queueMicrotask(() => {
                    throw error;
                });
            }
        }
    }
}
//# sourceMappingURL=emitter.js.map