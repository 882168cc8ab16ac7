//! Cooperative matrices: what an adapter has of them, and whether it multiplies them as it should.

use std::fmt;
use std::sync::{Arc, OnceLock};

use wgpu::{Backend, CooperativeMatrixProperties, CooperativeScalarType, ExperimentalFeatures, Features};
use wgrad_core::op::Cooperative;

/// Rows and columns of the matrices that kernels multiply.
const EDGE: u32 = 16;

/// Whether plans use an adapter's cooperative matrices: never before they have been tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CooperativeMatrices {
    /// The device has none, or none of the kind that kernels want. One that an application lends never has any.
    Missing,
    /// Nothing has wanted them yet, so that they have not been tested.
    Untested(Cooperative),
    /// A test has passed: plans use them.
    Used(Cooperative),
    /// A test has failed: plans do without them.
    LeftOff {
        /// What the adapter says that it has.
        matrices: Cooperative,
        /// What was wanted and what was got.
        reason: String,
    },
}

impl CooperativeMatrices {
    /// What the adapter says that it has, whether or not plans use it.
    pub fn matrices(&self) -> Option<Cooperative> {
        match self {
            Self::Missing => None,
            Self::Untested(matrices) | Self::Used(matrices) | Self::LeftOff { matrices, .. } => Some(*matrices),
        }
    }
}

impl fmt::Display for CooperativeMatrices {
    /// Such as `16 x 16, in use`.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let edge = |matrices: &Cooperative| format!("{0} x {0}", matrices.edge);
        match self {
            Self::Missing => formatter.write_str("none"),
            Self::Untested(matrices) => write!(formatter, "{}, not tested yet", edge(matrices)),
            Self::Used(matrices) => write!(formatter, "{}, in use", edge(matrices)),
            Self::LeftOff { matrices, reason } => write!(formatter, "{}, left off: {reason}", edge(matrices)),
        }
    }
}

/// What a device was made with, and the outcome of its test, which all clones of the device share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    matrices: Option<Cooperative>,
    outcome: Arc<OnceLock<Result<(), String>>>,
}

impl Offer {
    /// What an adapter has that gives such matrices to a device which asks for [`features`].
    pub(crate) fn of(adapter: &wgpu::Adapter) -> Self {
        let (info, properties) = (adapter.get_info(), adapter.cooperative_matrix_properties());
        let subgroup_sizes = [info.subgroup_min_size, info.subgroup_max_size];
        Self::with(found(info.backend, adapter.features(), subgroup_sizes, &properties))
    }

    fn with(matrices: Option<Cooperative>) -> Self {
        Self { matrices, outcome: Arc::default() }
    }

    /// Whether there is something to ask a device for.
    pub(crate) fn is_any(&self) -> bool {
        self.matrices.is_some()
    }

    /// Tests the matrices, where there are some, and only once.
    pub(crate) fn test(&self, test: impl FnOnce(Cooperative) -> Result<(), String>) {
        if let Some(matrices) = self.matrices {
            self.outcome.get_or_init(|| test(matrices));
        }
    }

    /// The matrices, once their test has passed.
    pub(crate) fn usable(&self) -> Option<Cooperative> {
        self.matrices.filter(|_| self.outcome.get().is_some_and(Result::is_ok))
    }

    pub(crate) fn state(&self) -> CooperativeMatrices {
        match (self.matrices, self.outcome.get()) {
            (None, _) => CooperativeMatrices::Missing,
            (Some(matrices), None) => CooperativeMatrices::Untested(matrices),
            (Some(matrices), Some(Ok(()))) => CooperativeMatrices::Used(matrices),
            (Some(matrices), Some(Err(reason))) => CooperativeMatrices::LeftOff { matrices, reason: reason.clone() },
        }
    }
}

/// The features that kernels need which use them.
pub(crate) fn features() -> Features {
    Features::EXPERIMENTAL_COOPERATIVE_MATRIX | Features::SHADER_F16 | Features::SUBGROUP
}

/// What wgpu wants to be told before it gives a device one of those features.
#[expect(unsafe_code, reason = "wgpu has no other way to these features")]
pub(crate) fn experimental() -> ExperimentalFeatures {
    // SAFETY: wgpu asks that mistakes in its unfinished parts be borne and reported. It is called for devices of our own
    // alone, on which only WGSL with cooperative matrices reaches such a part. wgrad's keeps what wgpu does not check: its
    // pointers stay within their arrays, at multiples of 16 bytes, and it runs in whole subgroups of one size. Whoever writes
    // such WGSL for an operation of their own answers for it, as for all WGSL that runs without checks.
    unsafe { ExperimentalFeatures::enabled() }
}

/// The matrices of an adapter: square ones of f16 with sums in f32, for subgroups of one size. Metal's have other sizes,
/// and naga writes any without an error.
fn found(
    backend: Backend,
    features_of_adapter: Features,
    subgroup_sizes: [u32; 2],
    properties: &[CooperativeMatrixProperties],
) -> Option<Cooperative> {
    let is_wanted = |matrices: &CooperativeMatrixProperties| {
        [matrices.m_size, matrices.n_size, matrices.k_size] == [EDGE; 3]
            && (matrices.ab_type, matrices.cr_type) == (CooperativeScalarType::F16, CooperativeScalarType::F32)
    };
    let [least, most] = subgroup_sizes;
    let has_them = backend == Backend::Vulkan && features_of_adapter.contains(features()) && properties.iter().any(is_wanted);
    (has_them && least == most).then_some(Cooperative { edge: EDGE, subgroup_size: least })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIXTEEN: Cooperative = Cooperative { edge: 16, subgroup_size: 32 };

    fn properties(
        sizes: [u32; 3],
        ab_type: CooperativeScalarType,
        cr_type: CooperativeScalarType,
    ) -> CooperativeMatrixProperties {
        let [m_size, n_size, k_size] = sizes;
        CooperativeMatrixProperties { m_size, n_size, k_size, ab_type, cr_type, saturating_accumulation: false }
    }

    #[test]
    fn only_squares_of_halves_with_sums_in_f32_are_wanted() {
        use CooperativeScalarType::{F16, F32};
        let of = |properties: &[CooperativeMatrixProperties]| found(Backend::Vulkan, features(), [32, 32], properties);
        let others = [properties([16, 16, 16], F16, F16), properties([16, 8, 16], F16, F32), properties([8, 8, 8], F16, F32)];
        assert_eq!(of(&others), None);
        assert_eq!(of(&[others[0], properties([16, 16, 16], F16, F32)]), Some(SIXTEEN));
        assert_eq!(of(&[properties([16, 16, 16], F32, F32)]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn vulkan_all_features_and_one_size_of_subgroups_are_wanted() {
        let all = [properties([16, 16, 16], CooperativeScalarType::F16, CooperativeScalarType::F32)];
        assert_eq!(found(Backend::Metal, features(), [32, 32], &all), None);
        assert_eq!(found(Backend::Vulkan, features(), [32, 64], &all), None);
        for feature in features().iter() {
            assert_eq!(found(Backend::Vulkan, features() - feature, [32, 32], &all), None, "without {feature:?}");
        }
        let of_64 = found(Backend::Vulkan, features() | Features::TIMESTAMP_QUERY, [64, 64], &all);
        assert_eq!(of_64, Some(Cooperative { subgroup_size: 64, ..SIXTEEN }));
    }

    #[test]
    fn nothing_is_used_before_its_test_has_passed() {
        let offer = Offer::with(Some(SIXTEEN));
        assert_eq!((offer.usable(), offer.state()), (None, CooperativeMatrices::Untested(SIXTEEN)));
        let clone = offer.clone();
        clone.test(|matrices| {
            assert_eq!(offer.usable(), None, "while the test runs");
            assert_eq!(matrices, SIXTEEN);
            Ok(())
        });
        offer.test(|_| Err("tested a second time".to_owned()));
        assert_eq!((offer.usable(), offer.state()), (Some(SIXTEEN), CooperativeMatrices::Used(SIXTEEN)));
        assert_eq!(offer.state().to_string(), "16 x 16, in use");
    }

    #[test]
    fn what_fails_its_test_is_left_off_and_says_why() {
        let offer = Offer::with(Some(SIXTEEN));
        offer.test(|_| Err("element 3 is wrong".to_owned()));
        offer.test(|_| Ok(()));
        assert_eq!(offer.usable(), None);
        assert_eq!(offer.state().to_string(), "16 x 16, left off: element 3 is wrong");
        let none = Offer::default();
        none.test(|_| unreachable!("there is nothing to test"));
        assert_eq!((none.usable(), none.state()), (None, CooperativeMatrices::Missing));
    }
}
