// What the browser keeps: the visitor's secret, and what was written and is not yet on the other side.

const PLACE = `wasl-chat:${OWN.inbox}`;

// A page in which storage is forbidden still chats; it only forgets when it is left.
const kept = (() => {
  const memory = new Map();
  const get = (name) => {
    try {
      return localStorage.getItem(`${PLACE}:${name}`) ?? memory.get(name) ?? "";
    } catch {
      return memory.get(name) ?? "";
    }
  };
  const put = (name, value) => {
    memory.set(name, value);
    try {
      if (value) localStorage.setItem(`${PLACE}:${name}`, value);
      else localStorage.removeItem(`${PLACE}:${name}`);
    } catch {
      // kept in memory
    }
  };
  return { get, put };
})();

function invented() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The browser's: tabs that begin with it are the same visitor.
function secret() {
  if (!kept.get("secret")) kept.put("secret", invented());
  return kept.get("secret");
}

// The account that a token names; whether it does so rightly is the server's to say.
function accountIn(token) {
  try {
    return String(JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub ?? "");
  } catch {
    return "";
  }
}

// crypto.randomUUID exists in secure contexts only; a shop's test page may be none.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

// The outbox: entries {id, at, owner, secret, text, choice, answers, email, file, name, state, why} by id, shared by all
// tabs. `owner` is the account that wrote it, '' for nobody in particular: it leaves as theirs or not at all.
const outbox = (() => {
  const memory = new Map();
  let opening = null;
  const open = () => {
    opening ??= new Promise((done) => {
      try {
        const asked = indexedDB.open(PLACE, 1);
        asked.onupgradeneeded = () => asked.result.createObjectStore("outbox", { keyPath: "id" });
        asked.onsuccess = () => done(asked.result);
        asked.onerror = asked.onblocked = () => done(null);
      } catch {
        done(null);
      }
    });
    return opening;
  };
  const within = async (mode, work) => {
    const base = await open();
    if (!base) return null;
    return new Promise((done) => {
      try {
        const doing = base.transaction("outbox", mode);
        const asked = work(doing.objectStore("outbox"));
        doing.oncomplete = () => done(asked?.result ?? null);
        doing.onerror = doing.onabort = () => done(null);
      } catch {
        done(null);
      }
    });
  };
  return {
    put: async (entry) => {
      memory.set(entry.id, entry);
      await within("readwrite", (store) => store.put(entry));
    },
    drop: async (id) => {
      memory.delete(id);
      await within("readwrite", (store) => store.delete(id));
    },
    // In the order they were written. What another tab sent meanwhile is not in the base any more.
    all: async () => {
      const found = (await within("readonly", (store) => store.getAll())) ?? [...memory.values()];
      return found.sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
    },
  };
})();

// One tab at a time where the browser can say so; elsewhere all of them, which the ids make harmless. Who takes it by
// force ends the promise of whoever had it.
const alone = (what, work, steal = false) => (navigator.locks ? navigator.locks.request(`${PLACE}:${what}`, { steal }, work) : work());
